/** The machine's screen in the page: noVNC over the controller's relay. */
import RFB from '@novnc/novnc';
import { api, Problem } from './api';
import { h, setText } from './dom';
import { pause } from './parts';

/** Waits between attempts, in milliseconds; the last one repeats. */
const WAITS = [500, 1000, 2000, 4000, 5000];
/** A ticket that does not come, or a screen that does not open, in this time is asked for again. */
const TICKET_MS = 10_000;
const OPEN_MS = 30_000;
/** The machine of an ended session that has no screen for so long is gone: a server that restarts needs a moment to find it. */
const MISSING_MS = 15_000;
/** Close codes of the relay: the screen ended, the machine ended. */
const ENDED = [4410, 4500];
/** Close codes of connections that broke, or whose server restarts: they say nothing about the screen. */
const BROKE = [1001, 1005, 1006, 1012];

export interface Viewer {
  element: HTMLElement;
  /** Tells it that something changed: a screen may be there now. */
  nudge(): void;
  /** Tells it that no machine is to be expected any more: when there is none now, that is the end. */
  finish(): void;
  /** Tells it that the machine is gone, and why. */
  gone(reason: string): void;
  leave(): void;
}

export interface ViewerListener {
  /** The screen is there, or there again. */
  connected?(): void;
  /** It is over. `seen` says whether the screen has ever been there. */
  over?(seen: boolean): void;
}

interface Ending {
  code: number;
  reason: string;
}

/** Shows the screen of a session as soon as there is one, and again after each interruption. */
export function viewer(id: string, listener: ViewerListener = {}): Viewer {
  const left = new AbortController();
  const stage = h('div', { class: 'stage', role: 'application', 'aria-label': 'The machine’s screen' });
  const last = h('div', { class: 'last', 'aria-hidden': 'true' });
  const state = h('p', { class: 'stage-state', role: 'status' }, 'Waiting for the machine’s screen …');
  const element = h('div', { class: 'screen', 'data-state': 'waiting' }, last, stage, state);
  let seen = false;
  let finishing = false;
  let missingSince: number | null = null;
  let wake: (() => void) | null = null;

  function show(name: 'waiting' | 'connected' | 'over', text: string): void {
    element.dataset['state'] = name;
    setText(state, text);
  }

  function over(text: string): void {
    if (left.signal.aborted) return;
    left.abort();
    last.replaceChildren();
    show('over', text);
    listener.over?.(seen);
  }

  /** The last picture stays, dimmed, while the screen is away: whoever looked at it keeps their place. */
  function keepPicture(): void {
    const canvas = stage.querySelector('canvas');
    if (canvas === null || canvas.width === 0 || canvas.height === 0) return;
    const picture = h('canvas', { width: canvas.width, height: canvas.height });
    picture.getContext('2d')?.drawImage(canvas, 0, 0);
    last.replaceChildren(picture);
  }

  /** One connection, from a fresh ticket to its end. */
  function connect(path: string): Promise<Ending> {
    return new Promise((resolve) => {
      const url = new URL(path, location.href);
      url.protocol = location.protocol === 'https:' ? 'wss:' : 'ws:';
      const socket = new WebSocket(url, ['binary']);
      // noVNC does not tell the reason that the server gives; the socket does, and before noVNC takes its picture away.
      let ending: Ending = { code: 1006, reason: '' };
      socket.addEventListener('close', (event) => {
        ending = { code: event.code, reason: event.reason };
        if (element.dataset['state'] === 'connected') keepPicture();
      });
      const rfb = new RFB(stage, socket, { shared: true });
      rfb.scaleViewport = true;
      rfb.resizeSession = false;
      rfb.focusOnClick = true;
      rfb.background = 'transparent';
      const stop = (): void => rfb.disconnect();
      const tooLong = setTimeout(stop, OPEN_MS);
      rfb.addEventListener('connect', () => {
        clearTimeout(tooLong);
        seen = true;
        last.replaceChildren();
        show('connected', '');
        listener.connected?.();
      });
      rfb.addEventListener('disconnect', () => {
        clearTimeout(tooLong);
        left.signal.removeEventListener('abort', stop);
        // The reason follows when both close events have been told.
        setTimeout(() => resolve(ending), 0);
      });
      left.signal.addEventListener('abort', stop, { once: true });
    });
  }

  function away(): string {
    return seen ? 'Reconnecting …' : 'The server does not answer. Trying again …';
  }

  /** What a refused or unanswered request for a ticket means. */
  function refused(error: unknown, ended: boolean): void {
    if (error instanceof Problem && [401, 403, 404, 410].includes(error.status)) {
      over('There is no screen any more.');
    } else if (!(error instanceof Problem && error.status === 409)) {
      missingSince = null;
      show('waiting', away());
    } else if (finishing) {
      missingSince ??= Date.now();
      if (ended || Date.now() - missingSince > MISSING_MS) over('The machine is gone.');
      else show('waiting', seen ? 'Reconnecting …' : 'Waiting for the machine’s screen …');
    } else {
      show('waiting', seen ? 'The screen is away. Reconnecting …' : 'Waiting for the machine’s screen …');
    }
  }

  async function run(): Promise<void> {
    let failures = 0;
    let ended = false;
    while (!left.signal.aborted) {
      const patience = new AbortController();
      const leave = (): void => patience.abort();
      const timer = setTimeout(leave, TICKET_MS);
      left.signal.addEventListener('abort', leave, { once: true });
      try {
        const ticket = await api.screen(id, patience.signal);
        clearTimeout(timer);
        missingSince = null;
        const begun = Date.now();
        const { code, reason } = await connect(ticket.websocketURL);
        if (left.signal.aborted) return;
        ended = ENDED.includes(code);
        if (Date.now() - begun > 10_000) failures = 0;
        show('waiting', reason === '' || BROKE.includes(code) ? away() : `${reason} Reconnecting …`);
      } catch (error) {
        if (left.signal.aborted) return;
        refused(error, ended);
      } finally {
        clearTimeout(timer);
        left.signal.removeEventListener('abort', leave);
      }
      const wait = WAITS[Math.min(failures++, WAITS.length - 1)] ?? 5000;
      const nudged = new Promise<void>((resolve) => {
        wake = resolve;
      });
      await Promise.race([pause(wait * (0.75 + Math.random() / 2), left.signal), nudged]);
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
    gone: (reason) => over(reason === '' ? 'The machine is gone.' : `The machine is gone: ${reason}.`),
    leave: () => left.abort(),
  };
}
