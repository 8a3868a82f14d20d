import assert from 'node:assert/strict';
import { existsSync, mkdirSync } from 'node:fs';
import { after, afterEach, before, beforeEach, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';

const SHOTS = fileURLToPath(new URL('../target/screenshots/', import.meta.url));
const CHROMIUM = '/usr/bin/chromium';
const XVNC = '/usr/bin/Xvnc';
const skip = Number(process.versions.node.split('.')[0]) < 20
  ? 'Playwright needs Node.js 20 or newer'
  : !existsSync(CHROMIUM) ? `${CHROMIUM} is not installed` : false;
const skipScreen = skip || (!existsSync(XVNC) && `${XVNC} is not installed`);

/** Polls, because what is waited for happens in another process that tells nobody. */
async function until(what, check, ms = 15_000) {
  const deadline = Date.now() + ms;
  for (;;) {
    const value = await check();
    if (value) return value;
    if (Date.now() > deadline) assert.fail(`did not happen within ${ms} ms: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

describe('the page', { skip }, () => {
  let modules, browser, server, context, page, complaints;

  before(async () => {
    modules = { ...(await import('./fake-server.mjs')), ...(await import('./desktop.mjs')) };
    browser = await modules.launch();
    mkdirSync(SHOTS, { recursive: true });
  });
  after(() => browser?.close());

  beforeEach(async () => {
    server = await new modules.FakeServer().start();
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

  test('a token from the address is kept in the tab and leaves the address', async () => {
    await open('/');
    await page.getByRole('heading', { name: 'Sign-ins', exact: true }).waitFor();
    assert.equal(page.url(), `${server.url}/`);
    assert.equal(await page.evaluate(() => sessionStorage.getItem('sallyport.token')), 'admin-token');
    assert.equal(await page.evaluate(() => localStorage.length + document.cookie.length), 0);
    await page.reload();
    await page.getByRole('heading', { name: 'Sign-ins', exact: true }).waitFor();
    assert.ok(server.requests.every((request) => request.headers.authorization === 'Bearer admin-token'));
    assert.ok(lines().every((line) => !line.includes('admin-token')));
    await page.getByRole('button', { name: 'Forget token' }).click();
    await page.getByLabel('Token').waitFor();
    assert.equal(await page.evaluate(() => sessionStorage.length), 0);
  });

  test('without a token the page asks for one, and again when the server does not know it', async () => {
    await page.goto(`${server.url}/`);
    await page.getByLabel('Token').fill('wrong');
    await page.keyboard.press('Enter');
    await page.getByRole('alert').getByText('does not know that token').waitFor();
    await shot('token');
    await page.getByLabel('Token').fill(' user-token ');
    await page.getByRole('button', { name: 'Go on' }).click();
    await page.getByRole('heading', { name: 'Sign-ins', exact: true }).waitFor();
    await page.getByText('u-ada').first().waitFor();
    assert.equal(await page.getByLabel('For user').count(), 0, 'users start sign-ins for themselves alone');
    server.tokens.clear();
    await page.getByLabel('Token').waitFor();
  });

  test('sessions are listed newest first, and stay up to date', async () => {
    await open('/');
    await page.getByText('No sign-ins yet').waitFor();
    server.add({ status: 'completed', provider: 'claude_code', user_id: 'u-grace', age: 7_200_000 });
    const cause = { code: 'UNIT_NOT_ENABLED', family: 'unit', sentence: 'The agent’s unit is there, and nothing starts it.', detail: '', remedy: 'Enable it.', evidence: [] };
    const failed = server.add({ status: 'failed', user_id: '<b>u-mallory</b>', age: 600_000, cause });
    server.add({ status: 'awaiting_user', age: 40_000 });
    server.add({ status: 'transferring', provider: 'gemini_cli', user_id: 'u-linus', age: 12_000 });
    server.add({ status: 'initializing', provider: 'unheard_of', user_id: 'u-barbara' });
    const rows = page.locator('.row');
    await until('five rows', async () => (await rows.count()) === 5);
    assert.deepEqual(await page.locator('.row-what').allTextContents(), ['unheard_of', 'Gemini CLI', 'Codex', 'Codex', 'Claude Code']);
    assert.deepEqual(await page.locator('.row .pill').allTextContents(), ['Starting', 'Handing over', 'Your turn', 'Failed', 'Signed in']);
    assert.equal(await page.locator('.row-who').nth(3).textContent(), '<b>u-mallory</b>');
    assert.equal(await page.locator('.row-when').last().textContent(), '2 h ago');
    assert.deepEqual(await page.locator('.row-cause').allTextContents(), ['UNIT_NOT_ENABLED The agent’s unit is there, and nothing starts it.']);
    await shot('list');
    // The focus stays where it is when the list is drawn again.
    await rows.nth(3).focus();
    server.sessions.get(failed).session.status = 'expired';
    await page.locator('.row .pill').getByText('Expired').waitFor();
    assert.equal(await page.evaluate(() => document.activeElement.getAttribute('href')), `/s/${failed}`);
    await page.keyboard.press('Enter');
    await page.getByRole('heading', { name: 'Codex for <b>u-mallory</b>' }).waitFor();
    assert.equal(new URL(page.url()).pathname, `/s/${failed}`);
    await page.goBack();
    await page.getByRole('heading', { name: 'Sign-ins', exact: true }).waitFor();
  });

  test('older sessions come on demand', async () => {
    server.pageSize = 3;
    for (let i = 0; i < 7; i++) server.add({ age: i * 1000, user_id: `u-${i}` });
    await open('/');
    await until('the first page', async () => (await page.locator('.row').count()) === 3);
    const older = page.getByRole('button', { name: 'Show older ones' });
    await older.click();
    await until('two pages', async () => (await page.locator('.row').count()) === 6);
    await older.click();
    await until('all', async () => (await page.locator('.row').count()) === 7);
    assert.deepEqual(await page.locator('.row-who').allTextContents(), [0, 1, 2, 3, 4, 5, 6].map((i) => `u-${i}`));
    assert.equal(await older.isVisible(), false);
  });

  test('a sign-in is started for a user, and a refusal is told', async () => {
    await open('/');
    await page.getByLabel('Tool', { exact: true }).selectOption({ label: 'Claude Code' });
    await page.getByLabel('For user').fill('u-busy');
    await page.getByRole('button', { name: 'Start sign-in' }).click();
    const alert = page.getByRole('alert');
    await alert.getByText('is under way').waitFor();
    assert.match(await alert.textContent(), /It is session s-1\..*Finish or cancel/);
    await page.getByLabel('For user').fill('u-grace');
    await page.getByRole('button', { name: 'Start sign-in' }).click();
    await page.getByRole('heading', { name: 'Claude Code for u-grace' }).waitFor();
    assert.deepEqual(JSON.parse(server.requests.findLast((request) => request.line === 'POST /api/auth/start').body), { provider: 'claude_code', userId: 'u-grace' });
  });

  test('a timeline grows live, as text, and goes on after its connection was cut', async () => {
    const id = await aSession();
    await open(`/s/${id}`);
    const entries = page.locator('.timeline li');
    await until('five entries', async () => (await entries.count()) === 5);
    assert.equal(await entries.nth(1).locator('time').textContent(), '+0.4 s');
    const hostile = '<img src=x onerror="alert(1)"><script>alert(2)</script>';
    server.tell(id, 'tool.output', hostile, { '<i>name</i>': hostile });
    await until('the hostile entry', async () => (await entries.count()) === 6);
    assert.equal(await entries.last().locator('p').first().textContent(), hostile);
    assert.equal(await entries.last().locator('dd').textContent(), hostile);
    assert.equal(await page.locator('.timeline img, .timeline script, .timeline i').count(), 0);

    server.dropStreams();
    await until('the stream is gone', () => server.streams === 0);
    server.tell(id, 'tool.more', 'Told while nobody listened.');
    await until('a new connection', () => server.streams === 1);
    server.tell(id, 'tool.last', 'Told afterwards.');
    await until('eight entries', async () => (await entries.count()) === 8);
    assert.deepEqual((await page.locator('.timeline .step').allTextContents()).slice(5), ['tool.output', 'tool.more', 'tool.last']);
    const streams = server.requests.filter((request) => request.line.includes('/events'));
    assert.match(streams[0].line, /after=0$/);
    assert.match(streams.at(-1).line, /after=6$/);
    assert.equal(streams.at(-1).headers['last-event-id'], '6');

    // And when the whole server was away.
    await server.stop();
    await page.getByText('connecting again …').waitFor();
    server.tell(id, 'tool.restarted', 'Told while there was no server.');
    await server.start(Number(new URL(server.url).port));
    await until('nine entries', async () => (await entries.count()) === 9);
    server.change(id, { status: 'awaiting_user' });
    await page.getByText('Sign in on the machine’s screen.').waitFor();
  });

  test('a failure shows its cause, what to do, and the evidence', async () => {
    const id = await aSession();
    server.change(id, {
      status: 'failed', ended_at: new Date().toISOString(), error_message: 'AGENT_SILENT',
      cause: {
        code: 'AGENT_SILENT', sentence: 'The machine’s agent did not answer in time.', detail: 'The last answer was ECONNREFUSED, 14.8 s after the start.',
        remedy: 'Read the console’s last lines, and what the network said last.',
        evidence: ['[    1.204] systemd[1]: sallyport-agent.service: Failed at step EXEC', '[    1.206] systemd[1]: <script>alert(1)</script>', 'connect 10.77.0.2:8080: ECONNREFUSED'],
      },
    });
    server.tell(id, 'session.failed', 'The machine’s agent did not answer in time.', {
      cause: 'AGENT_SILENT', detail: 'The last answer was ECONNREFUSED.', waited_ms: '14800',
      evidence_02: '<img src=x onerror="alert(1)">', evidence_01: 'Failed at step EXEC',
    });
    const log = '[    0.000000] Linux version 6.1.0\n<script>alert(2)</script>\n'.repeat(40);
    server.consoles.set(`${id} browser`, log);
    await open(`/s/${id}`);
    const why = page.getByRole('region', { name: 'Why' });
    await why.getByRole('heading', { name: 'The machine’s agent did not answer in time.' }).waitFor();
    assert.match(await why.textContent(), /AGENT_SILENT.*ECONNREFUSED, 14\.8 s.*What to do: Read the console/);
    assert.match(await why.getByLabel('Evidence').textContent(), /Failed at step EXEC\n.*<script>alert\(1\)<\/script>\n/);
    assert.equal(await page.getByRole('button', { name: 'Cancel' }).isVisible(), false);

    // The step that failed stands out on the timeline, its evidence folded and in its order.
    const failing = page.locator('.timeline .failing');
    assert.equal(await failing.count(), 1);
    assert.equal(await failing.getAttribute('data-step'), 'session.failed');
    assert.equal(await failing.locator('.code').textContent(), 'AGENT_SILENT');
    assert.deepEqual(await failing.locator('dt').allTextContents(), ['waited_ms']);
    assert.equal(await failing.locator('pre').isVisible(), false);
    await shot('failed');
    await failing.getByText('Evidence (2 lines)').click();
    assert.equal(await failing.locator('pre').textContent(), 'Failed at step EXEC\n<img src=x onerror="alert(1)">');
    await shot('failed-unfolded');

    // The console is kept, and is text.
    await why.getByRole('link', { name: 'Console of the machines' }).click();
    await page.getByLabel('Console').waitFor();
    assert.equal(await page.getByLabel('Console').textContent(), log);
    const download = page.waitForEvent('download');
    await page.getByRole('button', { name: 'Save as a file' }).click();
    assert.equal((await download).suggestedFilename(), `${id}-browser.console.txt`);
    await shot('console');
    await page.getByRole('link', { name: 'CLI machine' }).click();
    await page.getByRole('alert').getByText('no such machine of its own').waitFor();
    assert.equal(new URL(page.url()).pathname, `/s/${id}/console/cli`);
    await page.getByRole('link', { name: '← The sign-in' }).click();

    await why.getByRole('link', { name: 'About this cause' }).click();
    await page.locator('#agent_silent.wanted').waitFor();
    assert.equal(new URL(page.url()).hash, '#agent_silent');
    await shot('causes');
  });

  test('the catalogue is there for everybody', async () => {
    await page.goto(`${server.url}/causes#kernel_panic`);
    await page.locator('#kernel_panic.wanted').waitFor();
    assert.deepEqual(await page.locator('.catalogue h2').allTextContents(), ['Requests', 'Booting', 'The agent’s unit', 'The agent']);
    assert.ok(server.requests.every((request) => request.headers.authorization === undefined));
  });

  test('the user can copy the address, hand the callback in, and cancel', async () => {
    const id = await aSession();
    server.change(id, { status: 'awaiting_user' });
    await context.grantPermissions(['clipboard-read', 'clipboard-write']);
    await open(`/s/${id}`);
    const copy = page.getByRole('button', { name: 'Copy the sign-in address' });
    await copy.click();
    await page.getByText('has not shown its sign-in address yet').waitFor();
    server.urls.set(id, 'https://auth.openai.com/oauth/authorize?state=x');
    await copy.click();
    await page.getByText('Copied.').waitFor();
    assert.equal(await page.evaluate(() => navigator.clipboard.readText()), 'https://auth.openai.com/oauth/authorize?state=x');

    await page.getByText('Signed in with your own browser?').click();
    await page.getByLabel('The address, or code, that it ended on').fill('https://elsewhere.example/');
    await page.getByRole('button', { name: 'Hand in' }).click();
    await page.getByRole('alert').getByText('is not the callback').waitFor();
    await shot('callback');
    await page.getByLabel('The address, or code, that it ended on').fill('http://localhost:1455/auth/callback?code=1');
    await page.keyboard.press('Enter');
    await page.getByText('Handed in.').waitFor();
    assert.equal(await page.getByRole('alert').count(), 0);
    assert.equal(JSON.parse(server.requests.at(-1).body).address, 'http://localhost:1455/auth/callback?code=1');

    await page.getByRole('button', { name: 'Cancel' }).click();
    assert.ok(!lines().some((line) => line.endsWith('/cancel')), 'one press does not cancel');
    await page.getByRole('button', { name: 'Really cancel?' }).click();
    await page.getByText('The sign-in was cancelled.').waitFor();
    assert.equal(await copy.isVisible(), false);
  });

  test('what does not exist is said', async () => {
    await open('/s/s-nosuchsession/');
    await page.getByRole('alert').getByText('No session has that id.').waitFor();
    await page.goto(`${server.url}/nowhere`);
    await page.getByRole('heading', { name: 'Nothing here' }).waitFor();
    await server.stop();
    await page.getByRole('link', { name: 'All sign-ins' }).click();
    await page.getByRole('alert').getByText('cannot be reached').waitFor();
    await server.start(Number(new URL(server.url).port));
    await page.getByText('No sign-ins yet').waitFor();
    assert.equal(await page.getByRole('alert').count(), 0);
  });

  for (const colorScheme of ['light', 'dark']) {
    test(`all text has contrast, all fields have names, and 360 pixels are enough (${colorScheme})`, async () => {
      await use({ colorScheme, viewport: { width: 360, height: 740 } });
      const failed = await aSession();
      server.change(failed, {
        status: 'failed', ended_at: new Date().toISOString(),
        cause: { code: 'URL_NOT_SHOWN', sentence: 'The tool did not ask for a browser in time.', detail: 'It wrote 3 lines.', remedy: 'Read the tool’s output.', evidence: ['x'.repeat(300)] },
      });
      server.tell(failed, 'browser.failed', 'The tool did not ask for a browser in time.', { cause: 'URL_NOT_SHOWN', detail: 'It wrote 3 lines.', evidence_01: 'y'.repeat(300) });
      server.consoles.set(`${failed} browser`, `${'z'.repeat(400)}\n`);
      const proved = await aSession();
      server.change(proved, { status: 'completed', ended_at: new Date().toISOString(), proof: 'Logged in using ChatGPT', cli_vm_id: 'm-abcdefghijkl' });
      const waiting = await aSession();
      server.change(waiting, { status: 'awaiting_user', user_id: `u-${'long'.repeat(12)}` });
      for (const [name, path, ready] of [
        ['list', '/', '.row'], ['failed', `/s/${failed}`, '.cause'], ['console', `/s/${failed}/console`, 'pre.whole'], ['causes', '/causes', '.catalogue'], ['proved', `/s/${proved}`, '.proof'], ['waiting', `/s/${waiting}`, '.paste'],
      ]) {
        await open(path);
        await page.locator(ready).first().waitFor();
        await page.screenshot({ path: `${SHOTS}narrow-${name}-${colorScheme}.png`, fullPage: true });
        const width = await page.evaluate(() => document.documentElement.scrollWidth);
        assert.ok(width <= 360, `${name} is ${width} pixels wide`);
        assert.deepEqual(await page.evaluate(lowContrast), [], `contrast on ${name}`);
        assert.deepEqual(
          await page.evaluate(() => [...document.querySelectorAll('input, select, textarea')].filter((field) => field.labels.length === 0).map((field) => field.outerHTML)),
          [], `labels on ${name}`,
        );
      }
      await page.setViewportSize({ width: 1280, height: 860 });
      await open(`/s/${failed}`);
      await page.locator('.timeline summary').click();
      await page.screenshot({ path: `${SHOTS}wide-failed-${colorScheme}.png` });
      assert.deepEqual(await page.evaluate(lowContrast), [], 'contrast on the unfolded evidence');
      await open(`/s/${waiting}`);
      await page.locator('.paste').waitFor();
      await page.screenshot({ path: `${SHOTS}wide-waiting-${colorScheme}.png` });
    });
  }

  describe('the screen', { skip: skipScreen }, () => {
    let desktop;
    before(async () => {
      desktop = await new modules.Desktop().start();
    });
    after(() => desktop?.stop());

    /** Where a place on the desktop is on the page: the canvas is scaled and centred. */
    async function place(x, y) {
      const box = await page.locator('.stage canvas').boundingBox();
      return [box.x + (x * box.width) / 1024, box.y + (y * box.height) / 640];
    }

    async function buttonPlace() {
      const box = await desktop.page.getByRole('button', { name: 'Approve' }).boundingBox();
      const offset = await desktop.page.evaluate(() => [screenX + (outerWidth - innerWidth) / 2, screenY + outerHeight - innerHeight]);
      return place(box.x + box.width / 2 + offset[0], box.y + box.height / 2 + offset[1]);
    }

    test('shows the machine, takes clicks and keys, and comes back after a drop with a fresh ticket', async () => {
      const id = await aSession();
      server.rfbSocket = desktop.socket;
      await open(`/s/${id}`);
      await page.locator('.timeline li').first().waitFor();
      assert.equal(await page.locator('.screen').count(), 0, 'there is no machine yet');
      server.change(id, { status: 'awaiting_user', vm_id: 'm-k3v2d5qa7x4c' });
      const connected = page.locator('.screen[data-state=connected]');
      await connected.waitFor();
      await page.locator('.stage canvas').waitFor();
      await until('the picture', () => page.evaluate(() => {
        const canvas = document.querySelector('.stage canvas');
        const pixel = canvas.getContext('2d').getImageData(canvas.width / 2, canvas.height - 20, 1, 1).data;
        return pixel[0] === 0xee && pixel[1] === 0xf0 && pixel[2] === 0xf3;
      }));
      await shot('session');
      await page.mouse.click(...(await buttonPlace()));
      await until('the press', () => desktop.page.evaluate(() => window.pressed === 1));
      const field = await desktop.page.getByLabel('Name').boundingBox();
      const button = await desktop.page.getByRole('button', { name: 'Approve' }).boundingBox();
      const [bx, by] = await buttonPlace();
      const [, unit] = await place(0, 1);
      const [, origin] = await place(0, 0);
      await page.mouse.click(bx, by - (button.y + button.height / 2 - field.y - field.height / 2) * (unit - origin));
      await page.keyboard.type('Ada L.');
      await until('the typing', async () => (await desktop.page.getByLabel('Name').inputValue()) === 'Ada L.');

      server.dropScreens();
      await page.getByText('MACHINE_UNREACHABLE: The machine cannot be reached. Connecting again …').waitFor();
      await connected.waitFor();
      await until('one screen', () => server.screens === 1);
      const tickets = lines().filter((line) => line.startsWith('UPGRADE')).map((line) => /ticket=(.*)$/.exec(line)[1]);
      assert.equal(tickets.length, 2);
      assert.notEqual(tickets[0], tickets[1]);
      assert.equal(await page.locator('.stage canvas').count(), 1, 'no canvas is left over');

      // The sign-in succeeds: the screen stays for as long as it is looked at, then goes for good.
      server.change(id, { status: 'completed', ended_at: new Date().toISOString(), proof: 'Logged in using ChatGPT', cli_vm_id: 'm-abcdefghijkl' });
      await page.getByText('Logged in using ChatGPT').waitFor();
      assert.equal(await connected.count(), 1);
      await shot('completed');
      await page.getByRole('button', { name: 'Done' }).click();
      await page.getByText('Done. The machine is being removed.').waitFor();
      assert.ok(lines().includes(`POST /api/auth/session/${id}/complete`));
      // A network that fails now is no reason to lose sight of it; the machine's end is.
      server.dropScreens(1011, '');
      await page.getByText('The connection to the screen was lost.').waitFor();
      await connected.waitFor();
      server.rfbSocket = null;
      server.dropScreens(4410, 'SCREEN_ENDED: The machine’s screen ended.');
      await page.getByText('The machine is gone.').waitFor();

      // Who comes later finds the proof, and no empty screen.
      await page.reload();
      await page.getByText('Logged in using ChatGPT').waitFor();
      await until('the screen is away', async () => (await page.locator('.screen').count()) === 0);
    });

    test('fills the window alone, and leaves with the page', async () => {
      const id = await aSession();
      server.rfbSocket = desktop.socket;
      server.change(id, { status: 'awaiting_user', vm_id: 'm-k3v2d5qa7x4c' });
      await use({ colorScheme: 'dark' });
      await open(`/s/${id}/screen`);
      await page.locator('.screen[data-state=connected]').waitFor();
      await until('the canvas fills', async () => ((await page.locator('.stage canvas').boundingBox())?.width ?? 0) > 1200);
      assert.equal(await page.locator('.top').isVisible(), false);
      await shot('screen-alone');
      await page.getByRole('link', { name: 'Timeline' }).click();
      await page.getByRole('heading', { name: 'Codex for u-ada' }).waitFor();
      await page.locator('.screen[data-state=connected]').waitFor();
      await shot('session-dark');
      await page.getByRole('link', { name: '← All sign-ins' }).click();
      await until('nobody watches', () => server.screens === 0);
    });
  });
});

/** Runs in the page: texts whose contrast is under WCAG 2.2's 4.5 to 1. */
function lowContrast() {
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
