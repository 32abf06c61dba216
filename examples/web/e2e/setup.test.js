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

test('Escape loses nothing, and the steps come in order', async () => {
  const user = await signedUp(shared);
  await user.press('Enable 2FA');
  const { page } = user;
  const url = page.url();
  await page.keyboard.press('Escape');
  assert.equal(page.url(), url);
  assert.equal(await page.locator('dialog').count(), 0);
  // The keyboard begins at the top, so a screen reader reads the first step first.
  assert.equal(await page.evaluate(() => document.activeElement.tagName), 'BODY');
  const order = [];
  for (let i = 0; i < 12; i += 1) {
    await page.keyboard.press('Tab');
    order.push(await page.evaluate(() => document.activeElement.innerText || document.activeElement.id));
  }
  const places = ['Open the app', 'cs-code', 'Enable 2FA', 'Cancel the setup'].map((name) => order.indexOf(name));
  assert.deepEqual(places, [...places].sort((a, b) => a - b));
  assert.ok(!places.includes(-1), order.join());
  await page.goto(url);
  await Phone.scan(shared.service, page);
  await user.close();
});

test('on a small phone, the code field is in view', async () => {
  const user = await signedUp(shared, { viewport: { width: 320, height: 568 }, hasTouch: true });
  await user.press('Enable 2FA');
  const { page } = user;
  const phone = await Phone.scan(shared.service, page);
  const field = page.getByLabel('Enter the 6-digit code');
  // The link to the app and the key come first: a phone cannot scan its own screen.
  const top = async (locator) => (await locator.boundingBox()).y;
  assert.ok(await top(page.getByRole('link', { name: 'Open the app' })) < await top(field));
  assert.ok(await top(field) < await top(page.getByRole('img', { name: /QR code/ }).first()));
  await confirm(user, phone.wrong());
  await user.sees('That is not the code of this entry');
  assert.match(await page.title(), /^Error: /);
  assert.ok(await field.evaluate((element) => element === document.activeElement));
  const { y, height } = await field.boundingBox();
  assert.ok(y >= 0 && y + height <= 568, `the field is at ${y} px`);
  await user.close();
});

test('cancel works without scripts', async () => {
  const user = await signedUp(shared, { javaScriptEnabled: false });
  await user.press('Enable 2FA');
  await user.press('Cancel the setup');
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
  await user.follow('Go to two-factor authentication');
  await user.page.goto('/account');
  await user.press('Enable 2FA');
  user.at('/two-factor/setup');
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
  await user.sees('are shown once');
  const content = await page.content();
  assert.ok(codes.every((code) => !content.includes(code)));
  await page.goBack();
  await page.goto('/account');
  await user.sees('10 of 10 left');
  await user.signOut();
  await user.givePassword(user.email, PASSWORD);
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
  await page.getByRole('status').getByText('Copied').waitFor();
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

for (const how of ['refuses', 'is missing']) {
  test(`a clipboard that ${how} is said`, async () => {
    const user = await signedUp(shared, { permissions: [] });
    const { page } = user;
    await page.addInitScript((missing) => {
      const clipboard = missing ? undefined : { writeText: () => Promise.reject(new Error('refused')) };
      Object.defineProperty(navigator, 'clipboard', { value: clipboard });
    }, how === 'is missing');
    await user.press('Enable 2FA');
    await page.getByRole('button', { name: 'Copy the key' }).click();
    await page.getByRole('status').getByText('Your browser does not allow copying').waitFor();
    await page.goto('/account');
    await enable(user);
    await generate(user);
    await page.getByRole('button', { name: 'Copy' }).click();
    await page.getByRole('status').getByText('Your browser does not allow copying').waitFor();
    await user.close();
  });
}

test('a tampered form changes nothing', async () => {
  const user = await signedUp(shared);
  user.expected.push(403, 410);
  const { page } = user;
  const tamper = (selector, change) => page.locator(selector).evaluate(change);
  await tamper('main form input[name=csrf]', (input) => { input.value = '0'.repeat(32); });
  await user.press('Enable 2FA');
  await user.sees('The form was out of date');
  await page.goto('/account');
  await tamper('main form input[name=csrf]', (input) => { input.remove(); });
  await user.press('Enable 2FA');
  await user.sees('The form was out of date');
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
    response.end(`<link rel="icon" href="data:,"><form method="post" action="${shared.service.origin}/two-factor/sign-out"><button>Win</button></form>`);
  });
  await new Promise((listening) => { evil.listen(0, '127.0.0.1', listening); });
  t.after(() => evil.close());
  const { page } = user;
  // Another port is another origin, though for cookies it is the same site.
  await page.goto(`http://127.0.0.1:${evil.address().port}/`);
  await user.press('Win');
  await user.sees('came from another site');
  await page.goto(`${shared.service.origin}/account`);
  user.at('/account');
  await user.close();
});
