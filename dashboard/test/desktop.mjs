/** A real screen: an X server that speaks RFB, with a real browser on it. */
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { join } from 'node:path';
import { tmpdir } from 'node:os';
import { chromium } from 'playwright-core';

export const CHROMIUM = '/usr/bin/chromium';
export const XVNC = '/usr/bin/Xvnc';

/** Debian's Chromium; without its sandbox where it runs as root, which the sandbox refuses. */
export function launch(options = {}) {
  return chromium.launch({ executablePath: CHROMIUM, args: [...(process.getuid() === 0 ? ['--no-sandbox'] : []), ...(options.args ?? [])], ...options.rest });
}

const PAGE = `<!doctype html><title>Sign in</title><style>
  body{margin:0;background:#eef0f3;font:17px 'DejaVu Sans',sans-serif;color:#1c2430}
  main{width:420px;margin:60px auto;background:#fff;border:1px solid #c9cfd8;padding:26px 34px}
  button{width:100%;height:72px;border:0;background:#0a7f4f;color:#fff;font:bold 22px 'DejaVu Sans'}
  input{width:100%;height:40px;font:inherit;box-sizing:border-box;margin-bottom:16px}</style>
  <main><h1>Codex asks to sign you in</h1><input autofocus aria-label="Name">
  <button onclick="document.body.style.background='#0a7f4f'; window.pressed = (window.pressed||0)+1">Approve</button></main>`;

export class Desktop {
  #folder = mkdtempSync(join(tmpdir(), 'desktop-'));
  socket = join(this.#folder, 'rfb');

  async start() {
    this.#server = spawn(
      XVNC,
      ['-displayfd', '1', '-rfbport', '-1', '-rfbunixpath', this.socket, '-SecurityTypes', 'None', '-geometry', '1024x640', '-depth', '24', '-nolisten', 'tcp', '-br'],
      { stdio: ['ignore', 'pipe', 'ignore'] },
    );
    const lines = createInterface({ input: this.#server.stdout });
    const { value: display } = await lines[Symbol.asyncIterator]().next();
    if (!display) throw new Error('Xvnc ended before it had a display');
    this.#browser = await launch({
      args: ['--window-position=0,0', '--window-size=1024,640', '--kiosk'],
      rest: { headless: false, env: { ...process.env, DISPLAY: `:${display}` } },
    });
    this.page = await this.#browser.newPage({ viewport: null });
    await this.page.setContent(PAGE);
    return this;
  }

  #server;
  #browser;

  async stop() {
    await this.#browser?.close();
    if (this.#server && this.#server.exitCode === null) {
      const ended = new Promise((resolve) => this.#server.once('exit', resolve));
      this.#server.kill();
      await ended;
    }
    rmSync(this.#folder, { recursive: true, force: true });
  }
}
