/** Small parts that several pages share. */
import { h } from './dom';
import { Problem } from './api';
import { words } from './words';

/** A page: what is shown, and how it is left. */
export interface Page {
  title: string;
  content: HTMLElement;
  /** Without the header, over the whole window. */
  bare?: boolean;
  leave?(): void;
}

export function statusPill(status: string): HTMLElement {
  const { short, mood } = words(status);
  return h('span', { class: `pill ${mood}` }, h('span', { class: 'dot', 'aria-hidden': 'true' }), short);
}

/** An error in words: what happened and what to do. */
export function problemBox(error: unknown): HTMLElement {
  const known = error instanceof Problem ? error : null;
  return h(
    'div',
    { class: 'notice bad', role: 'alert' },
    h('strong', {}, known ? known.message : 'Something went wrong on this page.'),
    known?.detail ? h('p', {}, known.detail) : !known && h('p', {}, String(error)),
    known?.remedy ? h('p', { class: 'soft' }, known.remedy) : null,
  );
}

/** A cause's code, which leads to its entry in the catalogue. */
export function causeCode(code: string): HTMLAnchorElement {
  return link(`/causes#${code.toLowerCase()}`, { class: 'code' }, code);
}

/** Lines that came out of a machine. */
export function evidenceBlock(lines: string[]): HTMLElement {
  return h('pre', { tabindex: 0, 'aria-label': 'Evidence' }, lines.join('\n'));
}

/** A link that is followed without loading the page again. */
export function link(href: string, properties: { class?: string }, ...children: (Node | string | null)[]): HTMLAnchorElement {
  return h('a', { href, 'data-route': '', ...properties }, ...children);
}

/** Waits, unless it is aborted before: then it never goes on. */
export function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) return;
    const timer = setTimeout(resolve, ms);
    signal.addEventListener('abort', () => clearTimeout(timer), { once: true });
  });
}
