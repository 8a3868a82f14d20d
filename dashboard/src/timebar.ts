/** Under the screen: how long the user's time still is, and after the session's end how long its screen stays. */
import { api, type Session } from './api';
import { clockTime, here, left } from './clock';
import { h, setText } from './dom';
import { isEnded } from './words';

/** The user's time is told of when less than this is left. */
const SHORT_MS = 120_000;
/** Who else watches, or asks for more time, changes how long a screen stays, and no event tells it. */
const LOOK_MS = 5000;

export interface TimeBar {
  element: HTMLElement;
  /** The session as it is now. */
  draw(session: Session): void;
  /** Asks for the session anew: something happened that changes its times. */
  look(): void;
  /** There is no screen any more. */
  over(): void;
  leave(): void;
}

export interface TimeBarListener {
  session(session: Session): void;
  /** What came of what the user asked for; empty when there is nothing to say. */
  said(text: string): void;
  failed(error: unknown): void;
}

export function timeBar(id: string, listener: TimeBarListener): TimeBar {
  let session: Session | null = null;
  let stopped = false;
  let looking = false;
  let looked = Date.now();

  const text = h('p', { role: 'timer' });
  // A countdown is not read out each second; that there is one is said once.
  const told = h('p', { class: 'offscreen', role: 'status' });
  const keep = h('button', { type: 'button' }, 'Keep it');
  const done = h('button', { type: 'button', class: 'primary' }, 'Done');
  const buttons = h('div', { class: 'actions' }, keep, done);
  const element = h('div', { class: 'time-bar', role: 'group', 'aria-label': 'Time', hidden: true }, text, told, buttons);

  function tick(): void {
    if (session === null || stopped) return;
    if (session.status === 'awaiting_user' && session.expires_at) {
      const end = here(session.expires_at);
      element.hidden = end - Date.now() > SHORT_MS;
      buttons.hidden = true;
      element.classList.add('short');
      setText(text, `${left(end)} left to sign in`);
      if (!element.hidden) setText(told, 'Less than two minutes are left to sign in.');
      return;
    }
    element.classList.remove('short');
    const until = isEnded(session.status) ? session.browser_until : null;
    element.hidden = !until;
    if (until) {
      const end = here(until);
      const passed = end <= Date.now();
      buttons.hidden = passed;
      setText(text, passed ? 'The time of this screen is over: it goes now.' : `This screen stays until ${clockTime(end)} (${left(end)})`);
      setText(told, passed ? 'The time of this screen is over.' : `This screen stays until ${clockTime(end)}.`);
    }
    // On a page without a screen there is nothing to look for.
    if (isEnded(session.status) && element.isConnected && Date.now() - looked > LOOK_MS) look();
  }

  function look(): void {
    if (looking || stopped) return;
    looking = true;
    api
      .session(id)
      .then(listener.session)
      .catch(() => undefined) // Looked at again in a moment; that the server is away is said elsewhere.
      .finally(() => {
        looking = false;
        looked = Date.now();
      });
  }

  async function act(button: HTMLButtonElement, deed: () => Promise<string>): Promise<void> {
    button.disabled = true;
    listener.said('');
    try {
      listener.said(await deed());
    } catch (error) {
      listener.failed(error);
    } finally {
      button.disabled = false;
      look();
    }
  }

  keep.addEventListener('click', () => {
    void act(keep, async () => {
      const kept = await api.keep(id);
      if (session !== null) listener.session({ ...session, browser_until: kept.browserUntil });
      return ''; // The bar says it.
    });
  });
  done.addEventListener('click', () => {
    void act(done, async () => {
      await api.complete(id);
      return 'Done. The machine is being removed.';
    });
  });

  const ticking = setInterval(tick, 500);
  function over(): void {
    stopped = true;
    clearInterval(ticking);
    element.hidden = true;
  }
  return {
    element,
    draw: (now) => {
      session = now;
      tick();
    },
    look,
    over,
    leave: over,
  };
}
