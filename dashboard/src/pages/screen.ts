/** The machine's screen alone, as large as the window. */
import { h } from '../dom';
import { link, type Page } from '../parts';
import { viewer } from '../viewer';

export function screenPage(id: string): Page {
  const screen = viewer(id);
  return {
    title: 'Screen',
    bare: true,
    content: h(
      'div',
      { class: 'alone' },
      h('h1', { class: 'offscreen', tabindex: -1 }, 'The machine’s screen'),
      screen.element,
      link(`/s/${id}`, { class: 'leave-alone' }, 'Timeline'),
    ),
    leave: () => screen.leave(),
  };
}
