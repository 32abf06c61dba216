// Setting up an app: tabs, cancelling and expiry. Backup codes, which are shown once.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { test } from 'node:test';
import { Phone } from './lib/phone.js';
import { confirm, enable, generate, giveOwnPassword, PASSWORD, setUp, signedUp } from './lib/steps.js';

const shared = setUp();

test('a setup in a second tab replaces the first', async () => {
  const user = await signedUp(shared);
  user.expected.push(410);
  await user.press('Enable 2FA');
  const old = await Phone.scan(shared.service, user.page);
  const tab = await user.newTab();
  await tab.goto('/account');
  await tab.getByRole('button', { name: 'Enable 2FA' }).click();
  const phone = await Phone.scan(shared.service, tab);
  assert.notEqual(phone.key, old.key);
  await confirm(user, old.code());
  await user.sees('This QR code was replaced');
  await user.page.reload();
  await user.sees('This QR code was replaced');
  await tab.getByLabel('Enter the 6-digit code').fill(phone.code());
  await tab.getByRole('button', { name: 'Enable 2FA' }).click();
  await tab.waitForURL('/two-factor/backup-codes');
  await user.close();
});

test('the dialog holds the keyboard, and Escape cancels', async () => {
  const user = await signedUp(shared);
  user.expected.push(410);
  await user.press('Enable 2FA');
  const { page } = user;
  const url = page.url();
  const phone = await Phone.scan(shared.service, page);
  assert.ok(await page.evaluate(() => document.querySelector('dialog').matches(':modal')));
  assert.equal(await page.evaluate(() => document.activeElement.id), 'code');
  for (let i = 0; i < 12; i += 1) {
    await page.keyboard.press('Tab');
    assert.ok(await page.evaluate(() => document.activeElement === document.body
      || document.querySelector('dialog').contains(document.activeElement)));
  }
  await page.keyboard.press('Escape');
  await user.sees('Cancelled. Nothing was changed');
  await page.goto(url);
  await user.sees('This setup is over');
  assert.equal((await page.content()).includes(phone.key), false);
  await user.close();
});

test('cancel works without scripts', async () => {
  const user = await signedUp(shared, { javaScriptEnabled: false });
  await user.press('Enable 2FA');
  await user.press('Cancel');
  await user.sees('Cancelled. Nothing was changed');
  await user.close();
});

test('an old setup shows that it has expired', async () => {
  const user = await signedUp(shared);
  user.expected.push(410);
  await user.press('Enable 2FA');
  const phone = await Phone.scan(shared.service, user.page);
  shared.service.advance(601);
  await confirm(user, phone.code());
  await user.sees('This QR code has expired');
  await user.follow('Go to your account');
  await user.press('Enable 2FA');
  user.at('/two-factor/enable');
  await giveOwnPassword(user);
  await confirm(user, (await Phone.scan(shared.service, user.page)).code());
  await user.page.waitForURL('/two-factor/backup-codes');
  await user.close();
});

test('the QR code can be scanned in every style', async () => {
  const user = await signedUp(shared, { deviceScaleFactor: 2 });
  await user.press('Enable 2FA');
  const { page } = user;
  const keys = new Set();
  for (const width of [320, 768, 1280]) {
    await page.setViewportSize({ width, height: 800 });
    for (const media of [
      { colorScheme: 'light' }, { colorScheme: 'dark' }, { forcedColors: 'active' }, { media: 'print' },
    ]) {
      await page.emulateMedia({ colorScheme: 'light', forcedColors: 'none', media: 'screen', ...media });
      keys.add((await Phone.scan(shared.service, page)).key);
    }
  }
  assert.equal(keys.size, 1);
  await user.close();
});

test('a reload of the backup codes replaces nothing', async () => {
  const user = await signedUp(shared);
  const { page } = user;
  await enable(user);
  const codes = await generate(user);
  // Chromium asks a user before it sends the form again; in this test it does not ask.
  await page.reload();
  await user.sees('codes are shown once');
  const content = await page.content();
  assert.ok(codes.every((code) => !content.includes(code)));
  await page.goBack();
  await page.goto('/account');
  await user.sees('10 of 10 left');
  const email = await page.locator('p.name').first().textContent();
  await user.signOut();
  await user.givePassword(email, PASSWORD);
  await user.giveCode(codes[0]);
  await user.sees('backup code 1');
  await user.close();
});

test('with scripts, codes can be copied and printed', async () => {
  const user = await signedUp(shared, { permissions: ['clipboard-read', 'clipboard-write'] });
  const { page } = user;
  await enable(user);
  await generate(user);
  await page.getByRole('button', { name: 'Copy' }).click();
  await page.getByRole('button', { name: 'Copied' }).waitFor();
  const copied = await page.evaluate(() => navigator.clipboard.readText());
  const [download] = await Promise.all([
    page.waitForEvent('download'),
    page.getByRole('button', { name: 'Download' }).click(),
  ]);
  const file = readFileSync(await download.path(), 'utf8');
  assert.equal(file.replaceAll('\r\n', '\n'), copied);
  await page.evaluate(() => { globalThis.print = () => { document.title = 'printed'; }; });
  await page.getByRole('button', { name: 'Print' }).click();
  assert.equal(await page.title(), 'printed');
  await page.emulateMedia({ media: 'print' });
  assert.equal(await page.getByRole('button').filter({ visible: true }).count(), 0);
  await user.close();
});

test('a tampered form changes nothing', async () => {
  const user = await signedUp(shared);
  user.expected.push(403, 422);
  const { page } = user;
  const tamper = (selector, change) => page.locator(selector).evaluate(change);
  await tamper('main form input[name=csrf]', (input) => { input.value = '0'.repeat(32); });
  await user.press('Enable 2FA');
  await user.sees('That page was out of date');
  await page.goto('/account');
  await tamper('main form input[name=csrf]', (input) => { input.remove(); });
  await user.press('Enable 2FA');
  await user.sees('That form could not be read');
  await page.goto('/account');
  await enable(user);
  await generate(user);
  await tamper('input[name=text]', (input) => { input.value = `x${input.value}`; });
  await page.getByRole('button', { name: 'Download' }).click();
  await user.sees('These codes are no longer shown');
  await user.close();
});

test('a form on another site is refused', async (t) => {
  const user = await signedUp(shared);
  user.expected.push(403);
  const evil = createServer((_, response) => {
    response.setHeader('content-type', 'text/html');
    response.end(`<link rel="icon" href="data:,"><form method="post" action="${shared.service.origin}/sign-out"><button>Win</button></form>`);
  });
  await new Promise((listening) => { evil.listen(0, '127.0.0.1', listening); });
  t.after(() => evil.close());
  const { page } = user;
  // Another port is another origin, though for cookies it is the same site.
  await page.goto(`http://127.0.0.1:${evil.address().port}/`);
  await user.press('Win');
  await user.sees('That form came from another site');
  await page.goto(`${shared.service.origin}/account`);
  user.at('/account');
  await user.close();
});
