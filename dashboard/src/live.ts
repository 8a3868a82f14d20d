/** A session's events as they happen, over as many connections as it takes. */
import { api, Problem, type Session, type TimelineEvent } from './api';
import { pause } from './parts';
import { EventParser } from './sse';
import { isEnded } from './words';

export interface LiveListener {
  timeline(event: TimelineEvent): void;
  session(session: Session): void;
  /** Whether events are coming in now. */
  connected(yes: boolean): void;
  /** There is nothing to follow: the session does not exist, or may not be seen. */
  gone(problem: Problem): void;
}

/** A connection on which nothing comes for so long is taken for dead, even without an error. */
const SILENCE_MS = 60_000;
const FIRST_WAIT_MS = 500;
/** A server that restarts is away for seconds. */
const LONGEST_WAIT_MS = 5000;

export async function follow(id: string, listener: LiveListener, left: AbortSignal): Promise<void> {
  let last = 0;
  let ended = false;
  let wait = FIRST_WAIT_MS;
  while (!left.aborted) {
    const connection = new AbortController();
    const leave = (): void => connection.abort();
    left.addEventListener('abort', leave, { once: true });
    let silence = setTimeout(leave, SILENCE_MS);
    let came = 0;
    let orderly = false;
    try {
      const response = await api.events(id, last, connection.signal);
      if (response.body === null) throw new Error('no body');
      listener.connected(true);
      const parser = new EventParser();
      const decoder = new TextDecoder();
      const reader = response.body.getReader();
      for (;;) {
        const { done, value } = await reader.read();
        if (done) break;
        clearTimeout(silence);
        silence = setTimeout(leave, SILENCE_MS);
        for (const event of parser.push(decoder.decode(value, { stream: true }))) {
          wait = FIRST_WAIT_MS;
          if (event.event === 'timeline') {
            const entry = JSON.parse(event.data) as TimelineEvent;
            // What came again after a reconnection is told once.
            if (entry.sequence > last) {
              last = entry.sequence;
              came++;
              listener.timeline(entry);
            }
          } else if (event.event === 'session') {
            const session = JSON.parse(event.data) as Session;
            // While its browser machine is there, there is more to come.
            ended = isEnded(session.status) && !session.browser_until;
            listener.session(session);
          }
        }
      }
      orderly = true;
    } catch (error) {
      if (left.aborted) return;
      if (error instanceof Problem && [401, 403, 404].includes(error.status)) {
        listener.gone(error);
        return;
      }
      // Anything else passes: the next connection goes on after the last event that came.
    } finally {
      clearTimeout(silence);
      left.removeEventListener('abort', leave);
      connection.abort();
    }
    listener.connected(false);
    if (orderly && ended && came === 0) return; // The server has told everything.
    // All the pages of a server that restarts shall not come back in the same moment.
    await pause(wait * (0.75 + Math.random() / 2), left);
    wait = Math.min(2 * wait, LONGEST_WAIT_MS);
  }
}
