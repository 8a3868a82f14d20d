/** All sessions that the token may see, newest first, and the start of a new one. */
import { api, type Me, type Provider, type Session } from '../api';
import { fill, h } from '../dom';
import { link, pause, problemBox, statusPill, type Page } from '../parts';
import { refusal } from '../refusal';
import { ago, moment } from '../words';

const REFRESH_MS = 3000;

export function listPage(me: Me, providers: Provider[], go: (path: string) => void): Page {
  const left = new AbortController();
  const rows = h('ul', { class: 'sessions' });
  const trouble = h('div', {});
  const older = h('button', { type: 'button', class: 'quiet', hidden: true }, 'Show older ones');
  const startTrouble = h('div', {});
  const choice = h(
    'select',
    { id: 'provider', required: true },
    ...providers.map((provider) => h('option', { value: provider.id }, provider.name)),
  );
  const user = h('input', { id: 'user', type: 'text', autocomplete: 'off', spellcheck: 'false' });
  const button = h('button', { type: 'submit', class: 'primary' }, 'Start sign-in');
  const names = new Map(providers.map((provider) => [provider.id, provider.name]));
  let first: Session[] = [];
  let more: Session[] = [];
  let next: string | null = null;
  let loaded = false;

  function row(session: Session): HTMLElement {
    return h(
      'li',
      {},
      link(
        `/s/${session.session_id}`,
        { class: 'row' },
        h('span', { class: 'row-status' }, statusPill(session.status)),
        h('span', { class: 'row-what' }, names.get(session.provider) ?? session.provider),
        h('span', { class: 'row-who' }, session.user_id),
        session.status === 'failed' && session.cause
          ? h('span', { class: 'row-cause' }, h('code', { class: 'code' }, session.cause.code), ' ', session.cause.sentence)
          : null,
        h('time', { class: 'row-when', datetime: session.created_at, title: moment(session.created_at) }, `${ago(session.created_at)} ago`),
      ),
    );
  }

  let shown = '';
  function draw(): void {
    const seen = new Set(first.map((session) => session.session_id));
    const all = [...first, ...more.filter((session) => !seen.has(session.session_id))];
    // Drawn again only when something changed, so that the focus stays where it is.
    const now = JSON.stringify([loaded, next, ...all.map((s) => [s.session_id, s.status, s.cause?.code, ago(s.created_at)])]);
    if (now === shown) return;
    shown = now;
    const focused = document.activeElement?.getAttribute('href');
    fill(rows, ...all.map(row));
    if (loaded && all.length === 0) {
      fill(rows, h('li', { class: 'empty' }, 'No sign-ins yet. Start the first one above.'));
    }
    if (focused) rows.querySelector<HTMLElement>(`a[href="${CSS.escape(focused)}"]`)?.focus();
    older.hidden = next === null;
  }

  async function refresh(): Promise<void> {
    while (!left.signal.aborted) {
      if (!document.hidden) {
        try {
          const page = await api.sessions(null, left.signal);
          first = page.sessions;
          if (more.length === 0) next = page.next ?? null;
          loaded = true;
          fill(trouble);
          draw();
        } catch (error) {
          if (left.signal.aborted) return;
          fill(trouble, problemBox(error));
        }
      }
      await pause(REFRESH_MS, left.signal);
    }
  }

  older.addEventListener('click', () => {
    older.disabled = true;
    void api
      .sessions(next, left.signal)
      .then((page) => {
        more = [...more, ...page.sessions];
        next = page.next ?? null;
        draw();
      })
      .catch((error: unknown) => fill(trouble, problemBox(error)))
      .finally(() => {
        older.disabled = false;
      });
  });

  async function start(provider: string, userId: string | null, replace: boolean): Promise<void> {
    button.disabled = true;
    fill(startTrouble);
    try {
      go(`/s/${(await api.start(provider, userId, replace)).sessionId}`);
    } catch (error) {
      const again = (): void => void start(provider, userId, replace);
      fill(startTrouble, refusal(error, again, () => void start(provider, userId, true)).element);
      button.disabled = false;
    }
  }

  const form = h(
    'form',
    {
      class: 'card start',
      'aria-labelledby': 'start-title',
      onsubmit: (event) => {
        event.preventDefault();
        const forUser = user.value.trim();
        void start(choice.value, forUser === '' ? null : forUser, false);
      },
    },
    h('h2', { id: 'start-title' }, 'Connect a tool'),
    h('p', { class: 'soft' }, 'A fresh machine opens in this page; you sign in there, and the tool ends up signed in on your machine.'),
    h(
      'div',
      { class: 'fields' },
      h('div', { class: 'field' }, h('label', { for: 'provider' }, 'Tool'), choice),
      me.role === 'admin' && h('div', { class: 'field' }, h('label', { for: 'user' }, 'For user'), user),
      button,
    ),
    startTrouble,
  );

  void refresh();
  return {
    title: 'Sign-ins',
    content: h(
      'div',
      { class: 'stack' },
      h('h1', { tabindex: -1 }, 'Sign-ins'),
      form,
      trouble,
      h('section', { 'aria-label': 'Sign-ins, newest first' }, rows, older),
    ),
    leave: () => left.abort(),
  };
}
