import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { lowContrast, played, SHOTS, skip, until } from './support.mjs';

describe('the page', { skip }, () => {
  let server, page, context;
  const { use, open, shot, lines, aSession } = played((now) => ({ server, page, context } = now));

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

  test('an ended session without a screen is not asked about again and again', async () => {
    const id = await aSession();
    server.change(id, { status: 'expired', vm_id: 'm-k3v2d5qa7x4c', ended_at: new Date().toISOString() });
    await page.clock.install();
    await open(`/s/${id}`);
    await page.getByText('The time for signing in ran out.').waitFor();
    const asked = () => lines().filter((line) => line === `GET /api/auth/session/${id}`).length;
    await until('the first look', () => asked() === 1);
    await page.clock.runFor(30_000);
    await page.evaluate(() => fetch('/api/causes'));
    assert.equal(asked(), 1);
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
      const short = await aSession();
      server.change(short, { status: 'awaiting_user', vm_id: 'm-abcdefghijkl', expires_at: new Date(Date.now() + 65_000).toISOString() });
      const staying = await aSession();
      server.change(staying, { status: 'cancelled', vm_id: 'm-abcdefghijkl', ended_at: new Date().toISOString(), browser_until: new Date(Date.now() + 120_000).toISOString() });
      for (const [name, path, ready] of [
        ['list', '/', '.row'], ['failed', `/s/${failed}`, '.cause'], ['console', `/s/${failed}/console`, 'pre.whole'], ['causes', '/causes', '.catalogue'], ['proved', `/s/${proved}`, '.proof'], ['waiting', `/s/${waiting}`, '.paste'],
        ['short', `/s/${short}`, '.time-bar'], ['staying', `/s/${staying}`, '.time-bar'], ['staying-alone', `/s/${staying}/screen`, '.time-bar'],
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
      await open(`/s/${staying}`);
      await page.locator('.time-bar').waitFor();
      server.refusal = { status: 429, code: 'USER_LIMIT', title: 'The user has as many machines as one may have.', detail: 'They are 4.', remedy: 'Finish one.', retryAfter: 75 };
      await page.getByRole('button', { name: 'Try again' }).click();
      await page.getByRole('button', { name: 'Try again in 1:1' }).waitFor();
      await page.screenshot({ path: `${SHOTS}wide-staying-${colorScheme}.png` });
      assert.deepEqual(await page.evaluate(lowContrast), [], 'contrast on a refusal');
      server.refusal = null;
    });
  }
});
