/** Sallyport's page: finds out who looks, and shows the page that the address names. */
import { api, Problem, token, unauthenticated, type Me, type Provider } from './api';
import { fill, h } from './dom';
import { causesPage } from './pages/causes';
import { consolePage } from './pages/console';
import { listPage } from './pages/list';
import { screenPage } from './pages/screen';
import { sessionPage } from './pages/session';
import { signInPage } from './pages/signin';
import { link, pause, problemBox, type Page } from './parts';

const main = h('main', { id: 'main' });
const who = h('div', { class: 'who' });
const header = h(
  'header',
  { class: 'top' },
  link('/', { class: 'brand' }, h('img', { src: '/icon.svg', alt: '', width: 28, height: 28 }), 'Sallyport'),
  who,
);
const app = document.getElementById('app')!;
app.append(h('a', { href: '#main', class: 'skip' }, 'Skip to the content'), header, main);

let me: Me | null = null;
let providers: Provider[] = [];
let page: Page | null = null;

function show(next: Page): void {
  page?.leave?.();
  page = next;
  document.title = `${next.title} · Sallyport`;
  document.body.classList.toggle('bare', next.bare === true);
  fill(main, next.content);
  // A new page is told to those who do not see it, as a loaded one would be.
  main.querySelector<HTMLElement>('h1')?.focus({ preventScroll: true });
  scrollTo(0, 0);
}

function go(path: string): void {
  history.pushState(null, '', path);
  route();
}

function route(): void {
  const [, kind, id, rest, ...more] = location.pathname.replace(/\/+$/, '').split('/');
  if (kind === 'causes' && id === undefined) {
    // The same for everybody: problem documents name it as their type.
    show(causesPage());
    return;
  }
  if (token.get() === null) {
    askForToken(false);
    return;
  }
  if (me === null) {
    void enter();
    return;
  }
  if ((kind ?? '') === '' && id === undefined) {
    show(listPage(me, providers, go));
  } else if (kind === 's' && id && rest === undefined) {
    show(sessionPage(id, (name) => providers.find((provider) => provider.id === name)?.name ?? name, go));
  } else if (kind === 's' && id && rest === 'screen' && more.length === 0) {
    show(screenPage(id));
  } else if (kind === 's' && id && rest === 'console' && (more.length === 0 || (more.length === 1 && more[0] === 'cli'))) {
    show(consolePage(id, more[0] === 'cli' ? 'cli' : 'browser'));
  } else {
    show({
      title: 'Nothing here',
      content: h('div', { class: 'card narrow' }, h('h1', { tabindex: -1 }, 'Nothing here'), h('p', {}, 'There is no such page. ', link('/', {}, 'All sign-ins'))),
    });
  }
}

function askForToken(refused: boolean): void {
  token.forget();
  me = null;
  fill(who);
  show(
    signInPage(refused, () => {
      void enter();
    }),
  );
}

/** How often a server that is away, as in a restart, is asked again while the page begins. */
const AWAY_MS = 2000;
const awayPage: Page = {
  title: 'Sallyport',
  content: h(
    'div',
    { class: 'card narrow' },
    h('h1', { tabindex: -1 }, 'Sallyport'),
    h('p', { role: 'status' }, 'The server does not answer. Trying again …'),
  ),
};
let entering = new AbortController();

/** Finds out whose token it is; what the address names is shown after that. */
async function enter(): Promise<void> {
  entering.abort();
  entering = new AbortController();
  const superseded = entering.signal;
  try {
    const known = await api.me();
    const offered = await api.providers();
    if (superseded.aborted) return;
    providers = offered;
    me = known;
  } catch (error) {
    if (superseded.aborted) return;
    if (error instanceof Problem && error.status === 401) return; // Asked for the token already.
    if (error instanceof Problem && error.passing) {
      if (page !== awayPage) show(awayPage);
      await pause(AWAY_MS, superseded);
      void enter();
      return;
    }
    show({
      title: 'Sallyport',
      content: h(
        'div',
        { class: 'card narrow' },
        h('h1', { tabindex: -1 }, 'Sallyport'),
        problemBox(error),
        h('button', { type: 'button', class: 'primary', onclick: () => void enter() }, 'Try again'),
      ),
    });
    return;
  }
  fill(
    who,
    h('span', {}, me.role === 'admin' ? 'Operator' : (me.userId ?? '')),
    h('button', { type: 'button', class: 'quiet', onclick: () => askForToken(false) }, 'Forget token'),
  );
  route();
}

document.addEventListener('click', (event) => {
  const target = event.target instanceof Element ? event.target.closest<HTMLAnchorElement>('a[data-route]') : null;
  if (target === null || event.button !== 0 || event.ctrlKey || event.metaKey || event.shiftKey || event.altKey) return;
  event.preventDefault();
  go(target.pathname + target.hash);
});
addEventListener('popstate', route);
addEventListener('hashchange', () => {
  // A link with a token may be opened in a tab that shows the page already.
  if (location.hash.includes('token=')) {
    token.takeFromAddress();
    me = null;
    route();
  }
});
unauthenticated.addEventListener('refused', () => askForToken(true));

token.takeFromAddress();
route();
