/** The console log of one of a session's machines, in its life and after. */
import { api, type Kind } from '../api';
import { fill, h } from '../dom';
import { link, problemBox, type Page } from '../parts';

const NAMES: Record<Kind, string> = { browser: 'Browser machine', cli: 'CLI machine' };

export function consolePage(id: string, kind: Kind): Page {
  const left = new AbortController();
  const place = h('div', {});
  const again = h('button', { type: 'button', class: 'quiet' }, 'Read again');
  const save = h('button', { type: 'button', class: 'quiet', hidden: true }, 'Save as a file');
  let text = '';

  async function read(): Promise<void> {
    again.disabled = true;
    try {
      text = await api.console(id, kind, left.signal);
      save.hidden = text === '';
      fill(
        place,
        text === ''
          ? h('p', { class: 'soft' }, 'The machine has written nothing yet.')
          : h('pre', { class: 'whole', tabindex: 0, 'aria-label': 'Console' }, text),
      );
    } catch (error) {
      if (left.signal.aborted) return;
      save.hidden = true;
      fill(place, problemBox(error));
    } finally {
      again.disabled = false;
    }
  }

  again.addEventListener('click', () => void read());
  save.addEventListener('click', () => {
    const url = URL.createObjectURL(new Blob([text], { type: 'text/plain' }));
    h('a', { href: url, download: `${id}-${kind}.console.txt` }).click();
    URL.revokeObjectURL(url);
  });

  function tab(of: Kind): HTMLElement {
    const path = of === 'browser' ? `/s/${id}/console` : `/s/${id}/console/cli`;
    const shown = link(path, { class: 'tab' }, NAMES[of]);
    if (of === kind) shown.setAttribute('aria-current', 'page');
    return shown;
  }

  void read();
  return {
    title: `Console · ${NAMES[kind]}`,
    content: h(
      'div',
      { class: 'stack wide' },
      link(`/s/${id}`, { class: 'back' }, '← The sign-in'),
      h('h1', { tabindex: -1 }, 'Console'),
      h(
        'section',
        { class: 'card', 'aria-label': NAMES[kind] },
        h('div', { class: 'card-head tabs' }, h('nav', { 'aria-label': 'Machine' }, tab('browser'), tab('cli')), h('div', {}, save, again)),
        place,
      ),
    ),
    leave: () => left.abort(),
  };
}
