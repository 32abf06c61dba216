// The other first factors: a link in a mail, and an API token. And a walk over all closed addresses.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { User } from './lib/browser.js';
import { atCodePage, enrolled, setUp, signedUp } from './lib/steps.js';

const shared = setUp();

async function askForLink(user, email) {
  return shared.service.linkMailedBy(async () => {
    await user.page.goto('/sign-in');
    await user.follow('Sign in with a link by mail');
    await user.field('Email address').fill(email);
    await user.press('Send the link');
  });
}

for (const javaScriptEnabled of [true, false]) {
  test(`a link signs in once, ${javaScriptEnabled ? 'with' : 'without'} scripts`, async () => {
    const { email, user, phone } = await enrolled(shared);
    const one = await User.open(shared.browser, shared.service, { javaScriptEnabled });
    const link = await askForLink(one, email);
    // Opening it is not enough: mail programs open links too.
    await one.page.goto(link);
    await one.page.goto('/account');
    one.at('/sign-in');
    await one.page.goto(link);
    await one.press('Sign in');
    await one.page.waitForURL('/two-factor/code');
    await one.page.goto('/account');
    one.at('/two-factor/code');
    await one.giveCode(phone.next());
    await one.page.waitForURL('/account');
    await one.sees('Signed in with an email and a code');
    await one.signOut();
    await one.page.goto(link);
    await one.press('Sign in');
    await one.sees('That link was used already');
    await one.close();
    await user.close();
  });
}

test('a link signs in no other browser', async () => {
  const owner = await signedUp(shared);
  const one = await User.open(shared.browser, shared.service);
  const link = await askForLink(one, owner.email);
  const other = await User.open(shared.browser, shared.service);
  await other.page.goto(link);
  await other.press('Sign in');
  await other.sees('belongs to another browser');
  await other.page.goto('/account');
  other.at('/sign-in');
  await one.page.goto(link);
  await one.press('Sign in');
  await one.page.waitForURL('/account');
  for (const each of [owner, one, other]) await each.close();
});

test('a token needs fresh factors, and then a code', async () => {
  const { user, phone } = await enrolled(shared);
  const { page } = user;
  shared.service.advance(601);
  await page.goto('/account');
  await user.follow('API token');
  await page.waitForURL(/\/two-factor\/prove/);
  await page.getByLabel('Your password').fill('correct horse battery');
  await user.giveCode(phone.next(), 'Continue');
  await page.waitForURL('/api-token');
  await user.press('Make a token');
  const token = await page.locator('#token').textContent();

  const context = await shared.browser.newContext({ baseURL: shared.service.origin });
  const { request } = context;
  const headers = { accept: 'application/json' };
  const begun = await request.post('/api/session', { headers: { ...headers, authorization: `Bearer ${token}` } });
  assert.deepEqual(await begun.json(), { next: '/two-factor/code' });
  assert.equal((await request.get('/api/account', { headers })).status(), 403);
  const form = await (await request.get('/two-factor/code', { headers })).json();
  const answer = await request.post('/two-factor/code', {
    headers, data: { csrf: form.csrf, request: form.content.request, code: phone.next() },
  });
  assert.equal(answer.status(), 200);
  assert.equal((await (await request.get('/api/account', { headers })).json()).email, user.email);
  await context.close();
  await user.close();
});

test('no address and no method opens a page without a code', async () => {
  const { email, user } = await enrolled(shared);
  const one = await atCodePage(shared, email);
  const nobody = await User.open(shared.browser, shared.service);
  const paths = ['/account', '/account/', '//account', '/ACCOUNT', '/account?a=b', '/%61ccount', '/api/account', '/api-token',
    '/admin', '/admin/unlock', '/two-factor', '/two-factor/setup', '/two-factor/add', '/two-factor/disable',
    '/two-factor/backup-codes', '/two-factor/backup-codes/file', '/two-factor/prove?to=/account', '/no-such-page'];
  for (const { context } of [one, nobody]) {
    for (const path of paths) {
      for (const method of ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS']) {
        const answer = await context.request.fetch(`${shared.service.origin}${path}`, { method, maxRedirects: 0 });
        assert.ok([303, 401, 403, 404, 405].includes(answer.status()), `${method} ${path}: ${answer.status()}`);
        assert.equal((await answer.text()).includes(email), false, `${method} ${path}`);
      }
    }
  }
  for (const each of [one, nobody, user]) await each.close();
});
