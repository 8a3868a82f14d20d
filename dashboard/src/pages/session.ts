/** One session: where it stands, its screen, what the user can do, and its timeline as it grows. */
import { api, type Cause, type Problem, type Session, type TimelineEvent } from '../api';
import { fill, h, setText } from '../dom';
import { follow } from '../live';
import { causeCode, evidenceBlock, link, problemBox, statusPill, type Page } from '../parts';
import { refusal } from '../refusal';
import { timeBar } from '../timebar';
import { viewer, type Viewer } from '../viewer';
import { after, ago, isCancellable, isEnded, moment, words } from '../words';

/** Told only about newer things than these many: a timeline is bounded, and so is the page. */
const MOST_EVENTS = 2000;

export function sessionPage(id: string, providerName: (id: string) => string, go: (path: string) => void): Page {
  const left = new AbortController();
  let session: Session | null = null;
  let screen: Viewer | null = null;
  /** The machine's end, and why, from its event. */
  let gone: string | null = null;
  /** The place in the queue of a start that waits for room. */
  let place: string | null = null;
  const waiting: TimelineEvent[] = [];

  const heading = h('h1', { tabindex: -1 }, 'Sign-in');
  const started = h('time', {});
  const facts = h('p', { class: 'soft facts' }, started, ' · ', h('span', { class: 'unbroken' }, id));
  const pill = h('span', {});
  const sentence = h('p', { class: 'lead', role: 'status' });
  const outcome = h('div', {});
  const trouble = h('div', {});
  const screenPlace = h('div', {});
  const list = h('ol', { class: 'timeline' });
  const scroll = h('div', { class: 'timeline-scroll', role: 'region', tabindex: 0, 'aria-labelledby': 'timeline-title' }, list);
  const live = h('span', { class: 'live', role: 'status' });

  // What the user can do.
  const said = h('p', { class: 'said', role: 'status' });
  const copy = h('button', { type: 'button', hidden: true }, 'Copy the sign-in address');
  const again = h('button', { type: 'button', class: 'primary', hidden: true }, 'Try again');
  const cancel = h('button', { type: 'button', class: 'danger', hidden: true }, 'Cancel');
  const address = h('input', {
    id: 'address',
    type: 'text',
    inputmode: 'url',
    autocomplete: 'off',
    spellcheck: 'false',
    required: true,
    'aria-describedby': 'address-help',
  });
  const send = h('button', { type: 'submit' }, 'Hand in');
  const paste = h(
    'details',
    { class: 'paste' },
    h('summary', {}, 'Signed in with your own browser?'),
    h(
      'form',
      {
        onsubmit: (event) => {
          event.preventDefault();
          void act(send, async () => {
            await api.callback(id, address.value.trim());
            address.value = '';
            return 'Handed in. The tool goes on with it.';
          });
        },
      },
      h('label', { for: 'address' }, 'The address, or code, that it ended on'),
      h('div', { class: 'fields' }, address, send),
      h(
        'p',
        { id: 'address-help', class: 'soft' },
        'Copy the sign-in address, open it in your browser and sign in. It ends on a page that cannot be loaded: paste that page’s whole address here.',
      ),
    ),
  );
  const actions = h('div', { class: 'actions', role: 'group', 'aria-label': 'What you can do' }, copy, again, cancel);
  const elsewhere = h('section', { class: 'card', 'aria-label': 'Your own browser', hidden: true }, paste);

  const bar = timeBar(id, {
    session: drawSession,
    said: (text) => {
      fill(trouble);
      setText(said, text);
    },
    failed: (error) => fill(trouble, problemBox(error)),
  });

  /** Does something once, says how it went, and shows what failed. */
  async function act(button: HTMLButtonElement, deed: () => Promise<string>): Promise<void> {
    button.disabled = true;
    fill(trouble);
    setText(said, '');
    try {
      setText(said, await deed());
    } catch (error) {
      fill(trouble, problemBox(error));
    } finally {
      button.disabled = false;
    }
  }

  copy.addEventListener('click', () => {
    void act(copy, async () => {
      const url = await api.oauthUrl(id);
      if (url === null) return 'The tool has not shown its sign-in address yet.';
      await copyText(url);
      return 'Copied. Open it in your own browser.';
    });
  });
  /** Starts another sign-in like this one; its page follows. */
  async function startAnew(replace: boolean): Promise<void> {
    if (session === null) return;
    again.disabled = true;
    fill(trouble);
    try {
      const next = await (replace ? api.start(session.provider, session.user_id, true) : api.retry(id));
      go(`/s/${next.sessionId}`);
    } catch (error) {
      const refused = refusal(error, () => void startAnew(replace), () => void startAnew(true));
      fill(trouble, refused.element);
      again.disabled = false;
      again.hidden = refused.offers;
    }
  }
  again.addEventListener('click', () => void startAnew(false));
  let sure: ReturnType<typeof setTimeout> | null = null;
  cancel.addEventListener('click', () => {
    if (sure === null) {
      // A second press confirms: a dialog would cover the screen.
      setText(cancel, 'Really cancel?');
      sure = setTimeout(() => {
        sure = null;
        setText(cancel, 'Cancel');
      }, 4000);
      return;
    }
    clearTimeout(sure);
    sure = null;
    setText(cancel, 'Cancel');
    void act(cancel, async () => {
      await api.cancel(id);
      return 'Cancelled.';
    });
  });

  function drawEvent(event: TimelineEvent, beginning: string): void {
    const { cause, detail, evidence, others } = partsOf(event);
    // Who reads older entries is left there; who is at the end stays at the end.
    const atEnd = scroll.scrollHeight - scroll.scrollTop - scroll.clientHeight < 40;
    list.append(
      h(
        'li',
        cause === null ? { 'data-step': event.step } : { 'data-step': event.step, class: 'failing' },
        h('time', { datetime: event.at, title: moment(event.at) }, after(beginning, event.at)),
        h(
          'div',
          {},
          h('p', {}, event.text),
          h('p', { class: 'step' }, event.step, cause !== null && ' ', cause !== null && causeCode(cause)),
          detail !== null && h('p', { class: 'detail' }, detail),
          evidence.length > 0 &&
            h('details', {}, h('summary', {}, `Evidence (${evidence.length} line${evidence.length === 1 ? '' : 's'})`), evidenceBlock(evidence)),
          others.length > 0 &&
            h('dl', {}, ...others.map(([name, value]) => h('div', {}, h('dt', {}, name), h('dd', {}, value)))),
        ),
      ),
    );
    while (list.childElementCount > MOST_EVENTS) list.firstElementChild?.remove();
    if (atEnd) scroll.scrollTop = scroll.scrollHeight;
  }

  function drawSession(now: Session): void {
    const changed = session?.status !== now.status;
    session = now;
    const title = `${providerName(now.provider)} for ${now.user_id}`;
    setText(heading, title);
    document.title = `${words(now.status).short} · ${title} · Sallyport`;
    drawFacts();
    for (const event of waiting.splice(0)) takeEvent(event, now.created_at);
    if (changed) drawStatus(now);
    const open = !isEnded(now.status);
    if (screen === null && gone === null && now.vm_id !== null && (open || now.browser_until)) {
      screen = viewer(id, { connected: bar.look, over: screenOver });
      fill(screenPlace, screenCard(screen));
    }
    bar.draw(now);
    if (!changed) return;
    if (!open) screen?.finish();
    screen?.nudge();
  }

  function drawStatus(now: Session): void {
    if (now.status !== 'initializing') place = null;
    fill(pill, statusPill(now.status));
    drawSentence();
    fill(outcome, now.cause && causeBox(now.cause, now), now.status === 'completed' && proofBox(now));
    copy.hidden = now.status !== 'awaiting_user';
    elsewhere.hidden = now.status !== 'awaiting_user';
    cancel.hidden = !isCancellable(now.status);
    again.hidden = !['failed', 'expired', 'cancelled'].includes(now.status);
  }

  function drawSentence(): void {
    if (session !== null) setText(sentence, place === null ? words(session.status).long : `Waiting for room: place ${place}`);
  }

  function drawFacts(): void {
    if (session === null) return;
    started.setAttribute('datetime', session.created_at);
    started.setAttribute('title', moment(session.created_at));
    setText(started, `Started ${ago(session.created_at)} ago`);
  }

  function takeEvent(event: TimelineEvent, beginning: string): void {
    drawEvent(event, beginning);
    if (event.step === 'queue.place' && !isEnded(session?.status ?? '')) place = event.details['place'] ?? null;
    else if (event.step === 'queue.admitted') place = null;
    else if (event.step === 'browser.stay' || event.step === 'browser.adopted') bar.look();
    else if (event.step === 'browser.ended') {
      gone = event.details['reason'] ?? '';
      screen?.gone(gone);
    }
    drawSentence();
  }

  function screenOver(seen: boolean): void {
    bar.over();
    if (!seen) screenPlace.replaceChildren();
  }

  function screenCard(shown: Viewer): HTMLElement {
    const whole = h('button', { type: 'button', class: 'quiet' }, 'Full screen');
    whole.addEventListener('click', () => {
      void shown.element.requestFullscreen().catch(() => setText(said, 'This browser does not allow full screen here.'));
    });
    return h(
      'section',
      { class: 'card screen-card', 'aria-label': 'Screen' },
      shown.element,
      bar.element,
      h('div', { class: 'under' }, link(`/s/${id}/screen`, { class: 'soft' }, 'Open the screen alone'), whole),
    );
  }

  const ticking = setInterval(drawFacts, 10_000);
  void follow(
    id,
    {
      timeline: (event) => {
        // Times are told from the session's beginning, which the first session event brings.
        if (session === null) waiting.push(event);
        else takeEvent(event, session.created_at);
      },
      session: drawSession,
      connected: (yes) => {
        setText(live, yes ? 'live' : 'connecting again …');
        live.dataset['live'] = String(yes);
        if (yes) screen?.nudge(); // The server is there: so may the screen be.
      },
      gone: (problem: Problem) => fill(trouble, problemBox(problem)),
    },
    left.signal,
  );
  // A long timeline is told before the session is. What fails here, the events fail at too, and they say so.
  void api.session(id).then(
    (now) => {
      if (session === null) drawSession(now);
    },
    () => undefined,
  );

  return {
    title: 'Sign-in',
    content: h(
      'div',
      { class: 'session' },
      h(
        'header',
        { class: 'session-head' },
        link('/', { class: 'back' }, '← All sign-ins'),
        h('div', { class: 'title-line' }, heading, pill),
        sentence,
        facts,
        h('div', { class: 'doing' }, actions, said),
      ),
      h('div', { class: 'main-column' }, trouble, outcome, screenPlace, elsewhere),
      h(
        'section',
        { class: 'card side-column' },
        h('div', { class: 'card-head' }, h('h2', { id: 'timeline-title' }, 'Timeline'), live),
        scroll,
      ),
    ),
    leave: () => {
      clearInterval(ticking);
      if (sure !== null) clearTimeout(sure);
      bar.leave();
      screen?.leave();
      left.abort();
    },
  };
}

/** What a failing event tells of its cause, apart from its other details. */
function partsOf(event: TimelineEvent): { cause: string | null; detail: string | null; evidence: string[]; others: [string, string][] } {
  const details = event.details ?? {};
  const cause = details['cause'] ?? null;
  const all = Object.entries(details).sort(([one], [other]) => (one < other ? -1 : 1));
  if (cause === null) return { cause, detail: null, evidence: [], others: all };
  const evidence = all.filter(([name]) => /^evidence_\d+$/.test(name)).map(([, line]) => line);
  const others = all.filter(([name]) => name !== 'cause' && name !== 'detail' && !/^evidence_\d+$/.test(name));
  return { cause, detail: details['detail'] ?? null, evidence, others };
}

function causeBox(cause: Cause, session: Session): HTMLElement {
  return h(
    'section',
    { class: `card cause ${session.status === 'failed' ? 'bad' : ''}`, 'aria-label': 'Why' },
    h('div', { class: 'card-head' }, h('h2', {}, cause.sentence), causeCode(cause.code)),
    cause.detail !== '' && h('p', {}, cause.detail),
    cause.remedy !== '' && h('p', { class: 'remedy' }, h('strong', {}, 'What to do: '), cause.remedy),
    cause.evidence.length > 0 &&
      h(
        'figure',
        {},
        h('figcaption', {}, 'Evidence'),
        evidenceBlock(cause.evidence),
      ),
    h(
      'p',
      { class: 'soft more' },
      link(`/s/${session.session_id}/console`, {}, 'Console of the machines'),
      ' ',
      link(`/causes#${cause.code.toLowerCase()}`, {}, 'About this cause'),
    ),
  );
}

function proofBox(session: Session): HTMLElement {
  return h(
    'section',
    { class: 'card proof', 'aria-label': 'Proof' },
    h('h2', {}, 'The tool says so itself'),
    session.proof ? h('pre', { tabindex: 0, 'aria-label': 'The tool’s own words' }, session.proof) : h('p', {}, 'It is signed in.'),
    session.cli_vm_id !== null && h('p', { class: 'soft' }, `On machine ${session.cli_vm_id}`),
  );
}

/** The clipboard is there in secure contexts alone; elsewhere a selected field does it. */
async function copyText(text: string): Promise<void> {
  if (navigator.clipboard) {
    await navigator.clipboard.writeText(text);
    return;
  }
  const field = h('textarea', { class: 'offscreen', readonly: true, 'aria-hidden': 'true' });
  field.value = text;
  document.body.append(field);
  field.select();
  const copied = document.execCommand('copy');
  field.remove();
  if (!copied) throw new Error('The browser does not let the page copy.');
}
