import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { played, skipScreen, until } from './support.mjs';

describe('the screen', { skip: skipScreen }, () => {
  let server, page;
  const { use, open, shot, lines, aSession } = played((now) => ({ server, page } = now));

  let desktop;
  before(async () => {
    desktop = await new (await import('./desktop.mjs')).Desktop().start();
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
    await page.getByText('MACHINE_UNREACHABLE: The machine cannot be reached. Reconnecting …').waitFor();
    await connected.waitFor();
    await until('one screen', () => server.screens === 1);
    const tickets = lines().filter((line) => line.startsWith('UPGRADE')).map((line) => /ticket=(.*)$/.exec(line)[1]);
    assert.equal(tickets.length, 2);
    assert.notEqual(tickets[0], tickets[1]);
    assert.equal(await page.locator('.stage canvas').count(), 1, 'no canvas is left over');

    // The sign-in succeeds: the screen stays for as long as it is looked at, then goes for good.
    const soon = (ms) => new Date(Date.now() + ms).toISOString();
    server.change(id, { status: 'completed', ended_at: soon(0), proof: 'Logged in using ChatGPT', cli_vm_id: 'm-abcdefghijkl', browser_until: soon(27_000) });
    await page.getByText('Logged in using ChatGPT').waitFor();
    assert.equal(await connected.count(), 1);
    await page.getByText(/^This screen stays until \d\d:\d\d:\d\d \(0:2\d\)$/).waitFor();
    await shot('completed');
    await page.getByRole('button', { name: 'Done' }).click();
    await page.getByText('Done. The machine is being removed.').waitFor();
    assert.ok(lines().includes(`POST /api/auth/session/${id}/complete`));
    // A network that fails now is no reason to lose sight of it, nor is a server that has to find it again; the machine's end is.
    server.conflicts = 2;
    server.dropScreens(1011, '');
    await page.locator('.stage-state').getByText('Reconnecting …').waitFor();
    await connected.waitFor();
    assert.equal(server.conflicts, 0);
    server.rfbSocket = null;
    server.dropScreens(4410, 'SCREEN_ENDED: The machine’s screen ended.');
    await page.locator('.stage-state').getByText('The machine is gone.').waitFor();
    assert.equal(await page.getByRole('button', { name: 'Keep it' }).isVisible(), false);
    server.change(id, { browser_until: null });

    // Who comes later finds the proof, and no empty screen.
    await page.reload();
    await page.getByText('Logged in using ChatGPT').waitFor();
    await until('the screen is away', async () => (await page.locator('.screen').count()) === 0);
  });

  test('a screen that is kept stays, and the page says when it is over', async () => {
    const id = await aSession();
    const soon = (ms) => new Date(Date.now() + ms).toISOString();
    server.rfbSocket = desktop.socket;
    server.change(id, { status: 'failed', vm_id: 'm-k3v2d5qa7x4c', ended_at: soon(0), browser_until: soon(2000), cause: { code: 'URL_NOT_SHOWN', sentence: 'The tool did not ask for a browser in time.', detail: '', remedy: '', evidence: [] } });
    await open(`/s/${id}`);
    await page.locator('.screen[data-state=connected]').waitFor();
    await page.getByText('The time of this screen is over: it goes now.').waitFor();
    assert.equal(await page.getByRole('button', { name: 'Keep it' }).isVisible(), false);
    // Somebody else asked for more time.
    server.sessions.get(id).session.browser_until = soon(9000);
    server.tell(id, 'browser.stay', 'Somebody asked for the browser machine to stay.');
    await page.getByRole('button', { name: 'Keep it' }).click();
    await page.getByText(/^This screen stays until \S+ \((5:00|4:5\d)\)$/).waitFor();
    await shot('kept');
    assert.ok(lines().includes(`POST /api/auth/session/${id}/keep`));
    server.sessions.get(id).session.browser_until = null;
    await page.getByRole('button', { name: 'Keep it' }).click();
    await page.getByRole('alert').getByText('Its browser machine is gone.').waitFor();
    server.tell(id, 'browser.ended', 'The browser machine is gone.', { reason: 'its time after the session’s end is over' });
    await page.locator('.stage-state').getByText('The machine is gone: its time after the session’s end is over.').waitFor();
    await until('nobody watches', () => server.screens === 0);
    assert.equal(await page.locator('.time-bar').isVisible(), false);
    await shot('gone');
    const looks = () => lines().filter((line) => line === `GET /api/auth/session/${id}/novnc`).length;
    const before = looks();
    await page.reload();
    await page.getByRole('region', { name: 'Why' }).waitFor();
    await page.locator('.timeline [data-step="browser.ended"]').waitFor();
    assert.equal(await page.locator('.screen').count(), 0);
    assert.equal(looks(), before, 'no screen is asked for that is known to be gone');
  });

  test('a server that restarts is hardly noticed in the middle of a sign-in', async () => {
    const id = await aSession();
    server.rfbSocket = desktop.socket;
    server.change(id, { status: 'awaiting_user', vm_id: 'm-k3v2d5qa7x4c', expires_at: new Date(Date.now() + 97_000).toISOString() });
    await open(`/s/${id}`);
    const connected = page.locator('.screen[data-state=connected]');
    await connected.waitFor();
    await page.getByText(/^1:3\d left to sign in$/).waitFor();
    await until('the picture', () => page.evaluate(() => {
      const canvas = document.querySelector('.stage canvas');
      return canvas.getContext('2d').getImageData(canvas.width / 2, canvas.height - 20, 1, 1).data[0] > 0;
    }));
    await shot('short');
    await server.stop();
    await page.locator('.stage-state').getByText('Reconnecting …').waitFor();
    assert.equal(await page.locator('.last canvas').count(), 1, 'the last picture stays');
    assert.ok(await page.evaluate(() => {
      const canvas = document.querySelector('.last canvas');
      return canvas.getContext('2d').getImageData(canvas.width / 2, canvas.height - 20, 1, 1).data[0] > 0;
    }));
    await shot('reconnecting');
    assert.equal(await page.getByRole('alert').count(), 0);
    server.tell(id, 'browser.adopted', 'The controller was restarted, and took the machine over.');
    server.conflicts = 3;
    await server.start(Number(new URL(server.url).port));
    await page.locator('.timeline [data-step="browser.adopted"]').waitFor();
    await connected.waitFor();
    assert.equal(await page.locator('.last canvas').count(), 0);
    assert.equal(await page.locator('.timeline li').count(), 6, 'nothing is told twice');
    const pressed = await desktop.page.evaluate(() => window.pressed ?? 0);
    await page.mouse.click(...(await buttonPlace()));
    await until('the press', () => desktop.page.evaluate((before) => window.pressed === before + 1, pressed));
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
    await page.getByRole('link', { name: 'Open the screen alone' }).click();
    await page.locator('.screen[data-state=connected]').waitFor();
    server.change(id, { status: 'completed', ended_at: new Date().toISOString(), proof: 'Logged in', browser_until: new Date(Date.now() + 60_000).toISOString() });
    await page.getByText(/^This screen stays until .*\(/).waitFor();
    await shot('screen-alone-ended');
    await page.setViewportSize({ width: 360, height: 740 });
    await shot('narrow-screen-alone-ended');
    await page.getByRole('button', { name: 'Done' }).click();
    await page.getByText('Done. The machine is being removed.').waitFor();
    await page.getByRole('link', { name: 'Timeline' }).click();
    await page.getByRole('link', { name: '← All sign-ins' }).click();
    await until('nobody watches', () => server.screens === 0);
  });
});
