/** The controller's HTTP API, as the page uses it. */
import { heard } from './clock';

export interface Cause {
  code: string;
  family: string;
  sentence: string;
  detail: string;
  remedy: string;
  evidence: string[];
}

/** An entry of the catalogue of causes. */
export interface KnownCause {
  code: string;
  family: string;
  chapter: string;
  status: number;
  sentence: string;
  remedy: string;
}

export type Kind = 'browser' | 'cli';

export interface Session {
  session_id: string;
  user_id: string;
  provider: string;
  status: string;
  vm_id: string | null;
  error_message: string | null;
  created_at: string;
  updated_at: string;
  ended_at: string | null;
  cli_vm_id: string | null;
  proof: string | null;
  cause: Cause | null;
  /** When the user's time is over; null while it has not begun. */
  expires_at?: string | null;
  /** Until when the browser machine of an ended session stays as things are; null when it is gone. */
  browser_until?: string | null;
}

export interface TimelineEvent {
  sequence: number;
  at: string;
  step: string;
  text: string;
  details: Record<string, string>;
}

export interface Provider {
  id: string;
  name: string;
}

export interface Me {
  role: string;
  userId: string | null;
}

export interface ScreenTicket {
  websocketURL: string;
}

/** An error answer (RFC 9457), or a request that got no answer (status 0). */
export class Problem extends Error {
  constructor(
    readonly status: number,
    readonly code: string,
    title: string,
    readonly detail: string,
    readonly remedy: string,
    /** From when on the same may do, in milliseconds since 1970 by the reader's clock; null where waiting does not help. */
    readonly tryAgainAt: number | null = null,
  ) {
    super(title);
  }

  /** Whether the server, or what stands before it, is away for the moment, as in a restart. */
  get passing(): boolean {
    return [0, 502, 504].includes(this.status) || (this.status === 503 && this.tryAgainAt === null);
  }
}

const TOKEN = 'sallyport.token';

/** The token lives as long as the tab, and never in an address: addresses end up in logs and histories. */
export const token = {
  get: (): string | null => sessionStorage.getItem(TOKEN),
  set: (value: string): void => sessionStorage.setItem(TOKEN, value),
  forget: (): void => sessionStorage.removeItem(TOKEN),

  /** Takes a token out of the address's fragment, which browsers do not send to servers, and out of the history. */
  takeFromAddress(): void {
    const given = new URLSearchParams(location.hash.slice(1)).get('token');
    if (given !== null) {
      if (given !== '') token.set(given);
      history.replaceState(history.state, '', location.pathname + location.search);
    }
  },
};

/** Told when the server does not know the token, or no more. */
export const unauthenticated = new EventTarget();

function text(value: unknown): string {
  return typeof value === 'string' ? value : '';
}

async function problem(response: Response): Promise<Problem> {
  let body: Record<string, unknown> = {};
  try {
    const parsed: unknown = await response.json();
    if (typeof parsed === 'object' && parsed !== null) body = parsed as Record<string, unknown>;
  } catch {
    // Not a problem document: something between here and the server answered. Its status says enough.
  }
  const title = text(body['title']) || `The server answered with status ${response.status}.`;
  const wait = Number(body['retryAfter'] ?? response.headers.get('Retry-After') ?? Number.NaN);
  return new Problem(
    response.status,
    text(body['code']),
    title,
    text(body['detail']),
    text(body['remedy']),
    Number.isFinite(wait) && wait >= 0 ? Date.now() + wait * 1000 : null,
  );
}

async function request(path: string, init: RequestInit = {}): Promise<Response> {
  const headers = new Headers(init.headers);
  const known = token.get();
  if (known !== null) headers.set('Authorization', `Bearer ${known}`);
  let response: Response;
  try {
    response = await fetch(path, { ...init, headers, cache: 'no-store', credentials: 'omit', redirect: 'error' });
  } catch (error) {
    if (init.signal?.aborted) throw error;
    throw new Problem(0, '', 'The server cannot be reached.', '', 'Check your network. The page keeps trying.');
  }
  heard(response.headers.get('Date'));
  if (!response.ok) {
    const refused = await problem(response);
    if (response.status === 401) unauthenticated.dispatchEvent(new Event('refused'));
    throw refused;
  }
  return response;
}

async function getJson<T>(path: string, signal?: AbortSignal): Promise<T> {
  const response = await request(path, signal ? { signal } : {});
  return (await response.json()) as T;
}

async function postJson<T>(path: string, body?: unknown): Promise<T> {
  const response = await request(path, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify(body ?? {}),
  });
  const answer = await response.text();
  return (answer === '' ? {} : JSON.parse(answer)) as T;
}

function at(id: string): string {
  return `/api/auth/session/${encodeURIComponent(id)}`;
}

export const api = {
  me: (): Promise<Me> => getJson('/api/me'),
  providers: async (): Promise<Provider[]> => (await getJson<{ providers: Provider[] }>('/api/providers')).providers,
  sessions: (before: string | null, signal?: AbortSignal): Promise<{ sessions: Session[]; next?: string | null }> =>
    getJson(`/api/sessions?limit=50${before === null ? '' : `&before=${encodeURIComponent(before)}`}`, signal),
  session: async (id: string): Promise<Session> => (await getJson<{ session: Session }>(at(id))).session,
  /** @param replace whether one of this user to this provider that is under way is cancelled first */
  start: (provider: string, userId: string | null, replace = false): Promise<{ sessionId: string }> =>
    postJson('/api/auth/start', { provider, ...(userId !== null && { userId }), ...(replace && { replace }) }),
  /** A new sign-in like one that came to nothing. */
  retry: (id: string): Promise<{ sessionId: string }> => postJson(`${at(id)}/retry`),
  oauthUrl: async (id: string): Promise<string | null> =>
    (await getJson<{ url: string | null }>(`${at(id)}/oauth-url`)).url,
  callback: (id: string, address: string): Promise<unknown> => postJson(`${at(id)}/callback`, { address }),
  /** Asks for the browser machine of an ended session to stay a while longer. */
  keep: (id: string): Promise<{ browserUntil: string }> => postJson(`${at(id)}/keep`),
  complete: (id: string): Promise<unknown> => postJson(`${at(id)}/complete`),
  cancel: (id: string): Promise<unknown> => postJson(`${at(id)}/cancel`),
  screen: (id: string, signal: AbortSignal): Promise<ScreenTicket> => getJson(`${at(id)}/novnc`, signal),

  causes: async (): Promise<KnownCause[]> => (await getJson<{ causes: KnownCause[] }>('/api/causes')).causes,
  /** A machine's console, as lines of text. */
  console: async (id: string, kind: Kind, signal: AbortSignal): Promise<string> =>
    (await request(`${at(id)}/console?kind=${kind}`, { signal })).text(),

  /** Server-sent events by fetch, because EventSource cannot send an Authorization header. */
  events: (id: string, after: number, signal: AbortSignal): Promise<Response> =>
    request(`${at(id)}/events?after=${after}`, {
      signal,
      headers: { Accept: 'text/event-stream', 'Last-Event-ID': String(after) },
    }),
};
