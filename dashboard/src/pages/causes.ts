/** The catalogue: what each code means, and what to do. */
import { api, type KnownCause } from '../api';
import { fill, h } from '../dom';
import { link, problemBox, type Page } from '../parts';

export function causesPage(): Page {
  const place = h('div', { class: 'stack' });
  let left = false;

  void api.causes().then(
    (causes) => {
      if (left) return;
      const chapters = new Map<string, KnownCause[]>();
      for (const cause of causes) chapters.set(cause.chapter, [...(chapters.get(cause.chapter) ?? []), cause]);
      fill(place, ...[...chapters].map(([title, entries]) => chapter(title, entries)));
      const wanted = location.hash === '' ? null : document.getElementById(decodeURIComponent(location.hash.slice(1)));
      wanted?.scrollIntoView({ block: 'center' });
      wanted?.classList.add('wanted');
      wanted?.focus({ preventScroll: true });
    },
    (error: unknown) => fill(place, problemBox(error)),
  );

  return {
    title: 'Causes',
    content: h(
      'div',
      { class: 'stack' },
      link('/', { class: 'back' }, '← All sign-ins'),
      h('h1', { tabindex: -1 }, 'Causes'),
      h('p', { class: 'soft' }, 'Every failure names one of these, with the lines that prove it.'),
      place,
    ),
    leave: () => {
      left = true;
    },
  };
}

function chapter(title: string, entries: KnownCause[]): HTMLElement {
  return h(
    'section',
    { class: 'card catalogue' },
    h('h2', {}, title),
    ...entries.map((entry) =>
      h(
        'article',
        { id: entry.code.toLowerCase(), tabindex: -1 },
        h('h3', { class: 'code' }, entry.code),
        h('p', {}, entry.sentence),
        h('p', { class: 'soft' }, `What to do: ${entry.remedy}`),
      ),
    ),
  );
}
