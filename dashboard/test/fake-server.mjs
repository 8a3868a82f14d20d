/** A controller as far as the page can tell: its API from memory, the built page, and screens from a real RFB server. */
import { createServer } from 'node:http';
import { connect } from 'node:net';
import { existsSync, readFileSync } from 'node:fs';
import { extname, join, normalize } from 'node:path';
import { fileURLToPath } from 'node:url';
import { WebSocketServer, createWebSocketStream } from 'ws';

const WEB = fileURLToPath(new URL('../target/classes/web/', import.meta.url));
const TYPES = { '.html': 'text/html; charset=utf-8', '.js': 'text/javascript', '.css': 'text/css', '.svg': 'image/svg+xml', '.txt': 'text/plain' };

/** As strict as it can be; trusted types refuse every assignment of a string to HTML. */
export const POLICY =
  "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; " +
  "base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'";

let counter = 0;

export class FakeServer {
  tokens = new Map([['admin-token', { role: 'admin', userId: null }], ['user-token', { role: 'user', userId: 'u-ada' }]]);
  providers = [{ id: 'codex', name: 'Codex' }, { id: 'claude_code', name: 'Claude Code' }, { id: 'gemini_cli', name: 'Gemini CLI' }];
  causes = [
    { code: 'NOT_FOUND', family: 'request', chapter: 'Requests', status: 404, sentence: 'There is no such thing.', remedy: 'Check the id.' },
    { code: 'KERNEL_PANIC', family: 'boot', chapter: 'Booting', status: 500, sentence: 'The machine’s kernel panicked.', remedy: 'Read the console’s last lines.' },
    { code: 'UNIT_NOT_ENABLED', family: 'unit', chapter: 'The agent’s unit', status: 500, sentence: 'The agent’s unit is there, and nothing starts it.', remedy: 'Enable it: link it into the default target’s .wants folder.' },
    { code: 'AGENT_SILENT', family: 'agent', chapter: 'The agent', status: 504, sentence: 'The machine’s agent did not answer in time.', remedy: 'Read the console’s last lines, and what the network said last.' },
  ];
  /** Console logs by session and kind, as `ID browser`. */
  consoles = new Map();
  sessions = new Map();
  /** Every request as `METHOD path?query`, with what was posted. */
  requests = [];
  urls = new Map();
  rfbSocket = null;
  /** How many requests for a ticket are refused with CONFLICT, as by a server that has not found the machine again yet. */
  conflicts = 0;
  /** How long `keep` makes a screen stay, in milliseconds. */
  keepFor = 300_000;
  /** When set, each start is refused with it: `{status, code, title, retryAfter}`. */
  refusal = null;
  pageSize = 50;
  #streams = new Set();
  #sockets = new Set();
  #tickets = new Set();
  #server = createServer((request, response) => void this.#handle(request, response));
  #webSockets = new WebSocketServer({ noServer: true, handleProtocols: () => 'binary' });

  async start(port = 0) {
    this.#server.on('upgrade', (request, socket, head) => this.#upgrade(request, socket, head));
    await new Promise((resolve) => this.#server.listen(port, '127.0.0.1', resolve));
    this.url = `http://127.0.0.1:${this.#server.address().port}`;
    return this;
  }

  async stop() {
    this.dropStreams();
    this.dropScreens(1001, 'SHUTTING_DOWN: The server is shutting down.');
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
    this.#server.removeAllListeners('upgrade');
  }

  add(fields = {}) {
    const id = `s-${String(++counter).padStart(20, 'a').replace(/[0189]/g, (digit) => 'bcde'['0189'.indexOf(digit)])}`;
    const now = new Date(Date.now() - (fields.age ?? 0)).toISOString();
    delete fields.age;
    const session = {
      session_id: id, user_id: 'u-ada', provider: 'codex', status: 'initializing', vm_id: null, vm_ip: null, vnc_url: null,
      error_message: null, created_at: now, updated_at: now, ended_at: null, cli_vm_id: null, proof: null, cause: null,
      expires_at: null, browser_until: null, viewers: 0,
      ...fields,
    };
    this.sessions.set(id, { session, timeline: [] });
    return id;
  }

  tell(id, step, text, details = {}, at = new Date().toISOString()) {
    const kept = this.sessions.get(id);
    const event = { sequence: kept.timeline.length + 1, at, step, text, details };
    kept.timeline.push(event);
    this.#push(id, 'timeline', event, event.sequence);
  }

  change(id, fields) {
    const kept = this.sessions.get(id);
    Object.assign(kept.session, fields, { updated_at: new Date().toISOString() });
    this.#push(id, 'session', kept.session);
  }

  /** Cuts every event stream, as a lost network does. */
  dropStreams() {
    for (const stream of this.#streams) stream.response.socket?.destroy();
  }

  get streams() {
    return this.#streams.size;
  }

  /** Closes every screen. */
  dropScreens(code = 4502, reason = 'MACHINE_UNREACHABLE: The machine cannot be reached.') {
    for (const socket of this.#sockets) socket.close(code, reason);
  }

  get screens() {
    return this.#sockets.size;
  }

  #push(id, event, data, sequence) {
    for (const stream of this.#streams) {
      if (stream.id === id) stream.response.write(`${sequence ? `id: ${sequence}\n` : ''}event: ${event}\ndata: ${JSON.stringify(data)}\n\n`);
    }
  }

  async #handle(request, response) {
    const url = new URL(request.url, 'http://server');
    let body = '';
    for await (const piece of request) body += piece;
    const json = (status, value) => {
      response.writeHead(status, { 'Content-Type': status < 400 ? 'application/json' : 'application/problem+json' });
      response.end(JSON.stringify(value));
    };
    const refuse = (status, code, title, detail = '', remedy = '') => json(status, { type: 'about:blank', title, status, detail, code, remedy });
    const begin = (provider, user_id) => {
      if (this.refusal !== null) return json(this.refusal.status, { type: 'about:blank', detail: '', remedy: '', ...this.refusal });
      const id = this.add({ provider, user_id });
      return json(202, { success: true, sessionId: id, provider, status: 'initializing', novncURL: `/s/${id}/screen` });
    };
    if (!url.pathname.startsWith('/api/')) return this.#file(url.pathname, response);

    this.requests.push({ line: `${request.method} ${request.url}`, headers: request.headers, body });
    if (url.pathname === '/api/causes') return json(200, { causes: this.causes });
    const me = this.tokens.get((request.headers.authorization ?? '').replace(/^Bearer /, ''));
    if (!me) return refuse(401, 'UNAUTHENTICATED', 'No valid token was given.');
    if (url.pathname === '/api/me') return json(200, me);
    if (url.pathname === '/api/providers') return json(200, { providers: this.providers });
    if (url.pathname === '/api/sessions') {
      const all = [...this.sessions.values()].map((kept) => kept.session).sort((a, b) => b.created_at.localeCompare(a.created_at));
      const from = Number(url.searchParams.get('before') ?? 0);
      const next = from + this.pageSize < all.length ? String(from + this.pageSize) : null;
      return json(200, { sessions: all.slice(from, from + this.pageSize), next });
    }
    if (url.pathname === '/api/auth/start') {
      const { provider, userId, replace } = JSON.parse(body);
      if (userId === 'u-busy' && !replace) return refuse(409, 'SIGN_IN_RUNNING', 'A sign-in of this user to this provider is under way.', 'It is session s-1.', 'Finish or cancel that session first.');
      return begin(provider, userId ?? me.userId ?? 'u-root');
    }
    const [, id, verb] = /^\/api\/auth\/session\/([^/]+)(?:\/([^/]+))?$/.exec(url.pathname) ?? [];
    const kept = this.sessions.get(id);
    if (!kept) return refuse(404, 'NOT_FOUND', 'There is no such thing.', 'No session has that id.');
    switch (`${request.method} ${verb ?? ''}`) {
      case 'GET ':
        return json(200, { session: kept.session });
      case 'GET events': {
        response.writeHead(200, { 'Content-Type': 'text/event-stream', 'Cache-Control': 'no-store' });
        const stream = { id, response };
        this.#streams.add(stream);
        response.on('close', () => this.#streams.delete(stream));
        response.write(`: hello\n\nevent: session\ndata: ${JSON.stringify(kept.session)}\n\n`);
        for (const event of kept.timeline.slice(Number(url.searchParams.get('after')))) {
          response.write(`id: ${event.sequence}\nevent: timeline\ndata: ${JSON.stringify(event)}\n\n`);
        }
        return undefined;
      }
      case 'GET novnc': {
        if (this.conflicts > 0 && this.conflicts--) return refuse(409, 'CONFLICT', 'The thing is not in a state in which this can be done.');
        if (this.rfbSocket === null || kept.session.vm_id === null) return refuse(409, 'CONFLICT', 'There is no screen yet.');
        const ticket = `ticket-${++counter}`;
        this.#tickets.add(ticket);
        return json(200, {
          success: true, novncURL: `/s/${id}/screen`, ticket, websocketURL: `/api/auth/session/${id}/screen?ticket=${ticket}`, expiresAt: new Date(Date.now() + 30_000).toISOString(),
        });
      }
      case 'GET console': {
        const console = this.consoles.get(`${id} ${url.searchParams.get('kind')}`);
        if (console === undefined) return refuse(404, 'NOT_FOUND', 'There is no such thing.', 'The session has no such machine of its own.');
        response.writeHead(200, { 'Content-Type': 'text/plain' });
        response.end(console);
        return undefined;
      }
      case 'GET oauth-url':
        return json(200, { sessionId: id, url: this.urls.get(id) ?? null });
      case 'POST callback':
        if (!JSON.parse(body).address.startsWith('http://localhost:1455/')) {
          return refuse(400, 'CALLBACK_NOT_ALLOWED', 'The address is not the callback that this sign-in waits for.', '', 'Paste the whole address that the sign-in ended on.');
        }
        return json(200, {});
      case 'POST complete':
        return json(200, {});
      case 'POST retry':
        return begin(kept.session.provider, kept.session.user_id);
      case 'POST keep':
        if (kept.session.browser_until === null) return refuse(409, 'CONFLICT', 'The thing is not in a state in which this can be done.', 'Its browser machine is gone.');
        kept.session.browser_until = new Date(Date.now() + this.keepFor).toISOString();
        this.tell(id, 'browser.stay', 'Somebody asked for the browser machine to stay.');
        return json(200, { success: true, browserUntil: kept.session.browser_until });
      case 'POST cancel':
        this.change(id, { status: 'cancelled', ended_at: new Date().toISOString() });
        return json(200, {});
      default:
        return refuse(405, 'METHOD_NOT_ALLOWED', 'This address does not take that method.');
    }
  }

  #file(path, response) {
    const wanted = normalize(join(WEB, path));
    const file = wanted.startsWith(WEB) && extname(path) !== '' && existsSync(wanted) ? wanted : join(WEB, 'index.html');
    response.writeHead(200, {
      'Content-Type': TYPES[extname(file)] ?? 'application/octet-stream', 'Content-Security-Policy': POLICY, 'X-Content-Type-Options': 'nosniff', 'Referrer-Policy': 'no-referrer',
    });
    response.end(readFileSync(file));
  }

  #upgrade(request, socket, head) {
    const url = new URL(request.url, 'http://server');
    this.requests.push({ line: `UPGRADE ${request.url}`, headers: request.headers, body: '' });
    if (!this.#tickets.delete(url.searchParams.get('ticket'))) {
      socket.end('HTTP/1.1 403 Forbidden\r\n\r\n');
      return;
    }
    this.#webSockets.handleUpgrade(request, socket, head, (webSocket) => {
      this.#sockets.add(webSocket);
      const stream = createWebSocketStream(webSocket);
      const rfb = connect(this.rfbSocket);
      stream.pipe(rfb).pipe(stream);
      const end = () => {
        this.#sockets.delete(webSocket);
        rfb.destroy();
        stream.destroy();
      };
      webSocket.on('close', end);
      stream.on('error', end);
      rfb.on('error', end);
    });
  }
}
