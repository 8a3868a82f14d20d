/** What the page's tests share: a browser, a played controller, and a page for each test. */
import assert from 'node:assert/strict';
import { existsSync, mkdirSync } from 'node:fs';
import { after, afterEach, before, beforeEach } from 'node:test';
import { fileURLToPath } from 'node:url';

export const SHOTS = fileURLToPath(new URL('../target/screenshots/', import.meta.url));
const CHROMIUM = '/usr/bin/chromium';
const XVNC = '/usr/bin/Xvnc';

/** Why tests are skipped here; false when they are not. */
export const skip = Number(process.versions.node.split('.')[0]) < 20
  ? 'Playwright needs Node.js 20 or newer'
  : !existsSync(CHROMIUM) ? `${CHROMIUM} is not installed` : false;
export const skipScreen = skip || (!existsSync(XVNC) && `${XVNC} is not installed`);

/** Polls, because what is waited for happens in another process that tells nobody. */
export async function until(what, check, ms = 15_000) {
  const deadline = Date.now() + ms;
  for (;;) {
    const value = await check();
    if (value) return value;
    if (Date.now() > deadline) assert.fail(`did not happen within ${ms} ms: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

/**
 * Sets up each test of the suite that it is called in.
 *
 * @param tell told of the server, context and page of each test, and again when `use` makes others
 */
export function played(tell) {
  let browser, server, context, page, complaints;

  before(async () => {
    browser = await (await import('./desktop.mjs')).launch();
    mkdirSync(SHOTS, { recursive: true });
  });
  after(() => browser?.close());

  beforeEach(async () => {
    server = await new (await import('./fake-server.mjs')).FakeServer().start();
    await use({});
  });

  afterEach(async () => {
    await context.close();
    await server.stop();
    assert.deepEqual(complaints, [], 'the browser complained');
  });

  async function use(options) {
    await context?.close();
    context = await browser.newContext({ viewport: { width: 1280, height: 860 }, reducedMotion: 'reduce', ...options });
    page = await context.newPage();
    complaints = [];
    page.on('pageerror', (error) => complaints.push(String(error)));
    page.on('dialog', (dialog) => complaints.push(`a dialog: ${dialog.message()}`));
    page.on('console', (message) => {
      // Chromium itself tells of refused requests; everything else is a defect, such as a breach of the policy.
      if (message.type() === 'error' && !message.text().startsWith('Failed to load resource')) complaints.push(message.text());
    });
    tell({ server, context, page });
  }

  const open = (path, token = 'admin-token') => page.goto(`${server.url}${path}#token=${token}`);
  const shot = (name) => page.screenshot({ path: `${SHOTS}${name}.png` });
  const lines = () => server.requests.map((request) => request.line);

  async function aSession() {
    const id = server.add({ status: 'initializing', age: 9000 });
    const at = (ms) => new Date(Date.parse(server.sessions.get(id).session.created_at) + ms).toISOString();
    server.tell(id, 'session.accepted', 'The sign-in was accepted.', {}, at(3));
    server.tell(id, 'browser.hypervisor', 'The browser machine was restored from its template.', { machine: 'm-k3v2d5qa7x4c', template: 'browser@3f1c09' }, at(412));
    server.tell(id, 'browser.agent_ready', 'The browser machine’s agent answers.', { waited: '611 ms' }, at(1130));
    server.tell(id, 'tool.started', 'The tool’s own sign-in runs.', { command: 'codex login' }, at(1420));
    server.tell(id, 'tool.url', 'The tool asked for a browser, and the page was opened.', { host: 'auth.openai.com' }, at(3260));
    return id;
  }

  return { use, open, shot, lines, aSession };
}

/** Runs in the page: texts whose contrast is under WCAG 2.2's 4.5 to 1. */
export function lowContrast() {
  const canvas = document.createElement('canvas').getContext('2d', { willReadFrequently: true });
  const rgba = (colour) => {
    canvas.clearRect(0, 0, 1, 1);
    canvas.fillStyle = colour;
    canvas.fillRect(0, 0, 1, 1);
    const [r, g, b, a] = canvas.getImageData(0, 0, 1, 1).data;
    return [r, g, b, a / 255];
  };
  const over = (top, under) => [0, 1, 2].map((i) => top[i] * top[3] + under[i] * (1 - top[3])).concat(1);
  const ground = (element) => {
    const layers = [];
    for (let at = element; at; at = at.parentElement) layers.unshift(rgba(getComputedStyle(at).backgroundColor));
    return layers.reduce((under, top) => over(top, under), [255, 255, 255, 1]);
  };
  const luminance = ([r, g, b]) => {
    const [x, y, z] = [r, g, b].map((value) => (value / 255 <= 0.04045 ? value / 255 / 12.92 : ((value / 255 + 0.055) / 1.055) ** 2.4));
    return 0.2126 * x + 0.7152 * y + 0.0722 * z;
  };
  const found = [];
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const element = walker.currentNode.parentElement;
    if (walker.currentNode.textContent.trim() === '' || !element.checkVisibility() || element.closest('noscript, .skip, .offscreen')) continue;
    const under = ground(element);
    const [light, dark] = [luminance(over(rgba(getComputedStyle(element).color), under)), luminance(under)].sort((a, b) => b - a);
    const ratio = (light + 0.05) / (dark + 0.05);
    if (ratio < 4.5) found.push(`${ratio.toFixed(2)} "${walker.currentNode.textContent.slice(0, 40)}"`);
  }
  return found;
}
