import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { played, skip, until } from './support.mjs';

describe('starts', { skip }, () => {
  let server, page;
  const { open, shot, lines, aSession } = played((now) => ({ server, page } = now));

  test('a start that is refused for now can be asked for again when it may do', async () => {
    await open('/');
    server.refusal = { status: 503, code: 'HOST_FULL', title: 'The host has no room for another machine at this moment.', retryAfter: 3 };
    await page.getByRole('button', { name: 'Start sign-in' }).click();
    const wait = page.getByRole('button', { name: /^Try again in 0:0[123]$/ });
    await wait.waitFor();
    assert.ok(await wait.isDisabled());
    await page.getByText(/^Possible again from \d\d:\d\d:\d\d on\.$/).waitFor();
    await shot('refused');
    const again = page.getByRole('button', { name: 'Try again', exact: true });
    await again.waitFor();
    server.refusal = null;
    await again.click();
    await page.getByRole('heading', { name: 'Codex for u-root' }).waitFor();
  });

  test('a start takes the place of the one under way when the user says so', async () => {
    await open('/');
    await page.getByLabel('For user').fill('u-busy');
    await page.getByRole('button', { name: 'Start sign-in' }).click();
    await page.getByRole('button', { name: 'Cancel that one and start anew' }).waitFor();
    await shot('busy');
    await page.getByRole('button', { name: 'Cancel that one and start anew' }).click();
    await page.getByRole('heading', { name: 'Codex for u-busy' }).waitFor();
    assert.deepEqual(JSON.parse(server.requests.findLast((request) => request.line === 'POST /api/auth/start').body), { provider: 'codex', userId: 'u-busy', replace: true });
  });

  test('a sign-in that came to nothing is tried again on its own new page, with the same token', async () => {
    const id = await aSession();
    await open(`/s/${id}`, 'user-token');
    await page.locator('.timeline li').first().waitFor();
    const again = page.getByRole('button', { name: 'Try again', exact: true });
    assert.equal(await again.isVisible(), false);
    server.change(id, { status: 'expired', ended_at: new Date().toISOString() });
    server.refusal = { status: 429, code: 'TOO_MANY_STARTS', title: 'Starts were asked for too often.', retryAfter: 2 };
    await again.click();
    await page.getByRole('button', { name: /^Try again in 0:0/ }).waitFor();
    assert.equal(await again.count(), 0, 'there is one button to try again with');
    await shot('retry-refused');
    await again.waitFor();
    server.refusal = null;
    await again.click();
    await until('the new page', () => new URL(page.url()).pathname !== `/s/${id}`);
    await page.getByText('Two fresh machines are being started.').waitFor();
    assert.equal(await page.evaluate(() => sessionStorage.getItem('sallyport.token')), 'user-token');
    assert.ok(lines().includes(`POST /api/auth/session/${id}/retry`));
  });

  test('a start that waits for room says its place', async () => {
    const id = server.add({});
    server.tell(id, 'queue.place', 'The browser machine waits for room.', { place: '3' });
    await open(`/s/${id}`);
    await page.getByText('Waiting for room: place 3').waitFor();
    server.tell(id, 'queue.place', 'The browser machine waits for room.', { place: '1' });
    await page.getByText('Waiting for room: place 1').waitFor();
    await shot('queued');
    server.tell(id, 'queue.admitted', 'There is room.');
    await page.getByText('Two fresh machines are being started.').waitFor();
    await page.reload();
    await page.getByText('Two fresh machines are being started.').waitFor();
  });

  test('countdowns go by the server’s clock, however wrong the reader’s is', async () => {
    const id = await aSession();
    await page.clock.install({ time: Date.now() + 3_600_000 });
    server.change(id, { status: 'awaiting_user', vm_id: 'm-k3v2d5qa7x4c', expires_at: new Date(Date.now() + 90_000).toISOString() });
    await open(`/s/${id}`);
    await page.getByText(/^1:[23]\d left to sign in$/).waitFor();
  });

  test('a page that is opened while the server restarts waits for it', async () => {
    await page.route('**/api/me', (route) => route.fulfill({ status: 502, body: 'Bad gateway' }));
    await open('/');
    await page.getByText('The server does not answer. Trying again …').waitFor();
    await page.unroute('**/api/me');
    await page.getByRole('heading', { name: 'Sign-ins', exact: true }).waitFor();
  });
});
