/** The machine's screen in the page: noVNC over the controller's relay. */
import RFB from '@novnc/novnc';
import { api, Problem } from './api';
import { h, setText } from './dom';
import { pause } from './parts';

/** Waits between attempts, in milliseconds; the last one repeats. */
const WAITS = [500, 1000, 2000, 4000, 8000];

export interface Viewer {
  element: HTMLElement;
  /** Tells it that the session changed: a screen may be there now. */
  nudge(): void;
  /** Tells it that no machine is to be expected any more: when there is none now, that is the end. */
  finish(): void;
  leave(): void;
}

/**
 * Shows the screen of a session as soon as there is one, and again after each interruption.
 *
 * @param neverSeen told when it is over without the screen ever having been there
 */
export function viewer(id: string, neverSeen: () => void = () => undefined): Viewer {
  const left = new AbortController();
  const stage = h('div', { class: 'stage', role: 'application', 'aria-label': 'The machine’s screen' });
  const state = h('p', { class: 'stage-state', role: 'status' }, 'Waiting for the machine’s screen …');
  const element = h('div', { class: 'screen', 'data-state': 'waiting' }, stage, state);
  let finishing = false;
  let wake: (() => void) | null = null;

  function over(text: string, seen: boolean): void {
    show('over', text);
    if (!seen) neverSeen();
  }

  function show(name: 'waiting' | 'connected' | 'over', text: string): void {
    element.dataset['state'] = name;
    setText(state, text);
  }

  /** One connection, from a fresh ticket to its end. Resolves to why it ended. */
  function connect(path: string): Promise<string> {
    return new Promise((resolve) => {
      const url = new URL(path, location.href);
      url.protocol = location.protocol === 'https:' ? 'wss:' : 'ws:';
      const socket = new WebSocket(url, ['binary']);
      // noVNC does not tell the reason that the server gives; the socket does.
      let reason = '';
      socket.addEventListener('close', (event) => {
        reason = event.reason;
      });
      const rfb = new RFB(stage, socket, { shared: true });
      rfb.scaleViewport = true;
      rfb.resizeSession = false;
      rfb.focusOnClick = true;
      rfb.background = 'transparent';
      rfb.addEventListener('connect', () => {
        show('connected', '');
      });
      rfb.addEventListener('disconnect', () => {
        left.signal.removeEventListener('abort', stop);
        // The reason follows when both close events have been told.
        setTimeout(() => resolve(reason), 0);
      });
      const stop = (): void => rfb.disconnect();
      left.signal.addEventListener('abort', stop, { once: true });
    });
  }

  async function run(): Promise<void> {
    let failures = 0;
    let seen = false;
    while (!left.signal.aborted) {
      try {
        const ticket = await api.screen(id, left.signal);
        const begun = Date.now();
        const reason = await connect(ticket.websocketURL);
        if (left.signal.aborted) return;
        seen = true;
        if (Date.now() - begun > 10_000) failures = 0;
        show('waiting', `${reason || 'The connection to the screen was lost.'} Connecting again …`);
      } catch (error) {
        if (left.signal.aborted) return;
        if (error instanceof Problem && [401, 403, 404, 410].includes(error.status)) {
          over('There is no screen any more.', seen);
          return;
        }
        if (!(error instanceof Problem && error.status === 409)) {
          show('waiting', 'The server cannot be reached. Connecting again …');
        } else if (finishing) {
          over('The machine is gone.', seen);
          return;
        } else if (!seen) {
          show('waiting', 'Waiting for the machine’s screen …');
        } else {
          show('waiting', 'The screen is away. Waiting for it …');
        }
      }
      const wait = WAITS[Math.min(failures++, WAITS.length - 1)] ?? 8000;
      const nudged = new Promise<void>((resolve) => {
        wake = resolve;
      });
      await Promise.race([pause(wait, left.signal), nudged]);
      wake = null;
    }
  }

  void run();
  return {
    element,
    nudge: () => wake?.(),
    finish: () => {
      finishing = true;
      wake?.();
    },
    leave: () => left.abort(),
  };
}
