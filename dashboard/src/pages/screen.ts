/** The machine's screen alone, as large as the window. */
import type { Session } from '../api';
import { fill, h, setText } from '../dom';
import { follow } from '../live';
import { link, problemBox, type Page } from '../parts';
import { timeBar } from '../timebar';
import { viewer } from '../viewer';
import { isEnded } from '../words';

export function screenPage(id: string): Page {
  const left = new AbortController();
  const said = h('p', { class: 'said', role: 'status' });
  const trouble = h('div', { class: 'trouble' });
  const bar = timeBar(id, {
    session: draw,
    said: (text) => {
      fill(trouble);
      setText(said, text);
    },
    failed: (error) => fill(trouble, problemBox(error)),
  });
  const screen = viewer(id, { connected: bar.look, over: bar.over });

  function draw(session: Session): void {
    bar.draw(session);
    if (isEnded(session.status)) screen.finish();
    screen.nudge();
  }

  void follow(
    id,
    {
      timeline: (event) => {
        if (event.step === 'browser.ended') screen.gone(event.details['reason'] ?? '');
        else if (event.step === 'browser.stay') bar.look();
      },
      session: draw,
      connected: (yes) => {
        if (yes) screen.nudge();
      },
      // The screen itself says that there is none.
      gone: () => undefined,
    },
    left.signal,
  );

  return {
    title: 'Screen',
    bare: true,
    content: h(
      'div',
      { class: 'alone' },
      h('h1', { class: 'offscreen', tabindex: -1 }, 'The machine’s screen'),
      screen.element,
      h('div', { class: 'over-screen' }, trouble, said, bar.element),
      link(`/s/${id}`, { class: 'leave-alone' }, 'Timeline'),
    ),
    leave: () => {
      bar.leave();
      screen.leave();
      left.abort();
    },
  };
}
