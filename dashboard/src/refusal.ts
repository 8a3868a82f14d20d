/** A start that was refused, and what the user can do about it: wait, or replace what is under way. */
import { Problem } from './api';
import { clockTime, left } from './clock';
import { h, setText } from './dom';
import { problemBox } from './parts';

export interface Refusal {
  element: HTMLElement;
  /** Whether it has a button that starts. */
  offers: boolean;
}

/**
 * @param again asks for the same again
 * @param replace asks for a start in place of the one that is under way
 */
export function refusal(error: unknown, again: () => void, replace: () => void): Refusal {
  const box = problemBox(error);
  if (error instanceof Problem && error.tryAgainAt !== null) {
    const at = error.tryAgainAt;
    const button = h('button', { type: 'button', disabled: true, onclick: again });
    const tick = (): void => {
      const early = Date.now() < at;
      button.disabled = early;
      setText(button, early ? `Try again in ${left(at)}` : 'Try again');
      if (!early) clearInterval(ticking);
    };
    const ticking = setInterval(() => {
      if (box.isConnected) tick();
      else clearInterval(ticking); // The page went on without it.
    }, 500);
    tick();
    box.append(h('div', { class: 'offer' }, button, h('span', {}, `Possible again from ${clockTime(at)} on.`)));
    return { element: box, offers: true };
  }
  if (error instanceof Problem && error.code === 'SIGN_IN_RUNNING') {
    box.append(h('div', { class: 'offer' }, h('button', { type: 'button', onclick: replace }, 'Cancel that one and start anew')));
    return { element: box, offers: true };
  }
  return { element: box, offers: false };
}
