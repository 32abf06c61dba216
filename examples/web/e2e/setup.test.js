// Setting up an app: tabs, cancelling, expiry; and backup codes, which are shown once.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { after, before, test } from 'node:test';
import { launch, Person } from './lib/browser.js';
import { Phone } from './lib/phone.js';
import { Service } from './lib/service.js';
import { confirm, enable, generate, PASSWORD, someone } from './lib/steps.js';

let service;
let browser;
before(async () => { [service, browser] = await Promise.all([Service.start(), launch()]); });
after(() => Promise.all([browser?.close(), service?.stop()]));

async function newcomer(options) {
  const person = await Person.arrive(browser, service, options);
  await person.signUp(someone(), PASSWORD);
  return person;
}

test('a second tab that began anew makes the first say so', async () => {
  const person = await newcomer();
  person.expected.push(410);
  await person.press('Enable 2FA');
  const old = await Phone.scan(service, person.page);
  const tab = await person.newTab();
  await tab.goto('/account');
  await tab.getByRole('button', { name: 'Enable 2FA' }).click();
  const phone = await Phone.scan(service, tab);
  assert.notEqual(phone.key, old.key);
  await confirm(person, old.code());
  await person.sees('This QR code is void');
  await person.page.reload();
  await person.sees('This QR code is void');
  await tab.getByLabel('Enter the 6-digit code').fill(phone.code());
  await tab.getByRole('button', { name: 'Enable 2FA' }).click();
  await tab.waitForURL('/two-factor/backup-codes');
  await person.leave();
});

test('the dialog holds the keyboard, and Escape cancels', async () => {
  const person = await newcomer();
  person.expected.push(410);
  await person.press('Enable 2FA');
  const { page } = person;
  const url = page.url();
  const phone = await Phone.scan(service, page);
  assert.ok(await page.evaluate(() => document.querySelector('dialog').matches(':modal')));
  assert.equal(await page.evaluate(() => document.activeElement.id), 'code');
  for (let i = 0; i < 12; i += 1) {
    await page.keyboard.press('Tab');
    assert.ok(await page.evaluate(() => document.activeElement === document.body
      || document.querySelector('dialog').contains(document.activeElement)));
  }
  await page.keyboard.press('Escape');
  await person.sees('Cancelled. Nothing was changed');
  await page.goto(url);
  await person.sees('This setup is over');
  assert.equal((await page.content()).includes(phone.key), false);
  await person.leave();
});

test('cancel works without scripts', async () => {
  const person = await newcomer({ javaScriptEnabled: false });
  await person.press('Enable 2FA');
  await person.press('Cancel');
  await person.sees('Cancelled. Nothing was changed');
  await person.leave();
});

test('a setup that was left for too long says so', async () => {
  const person = await newcomer();
  person.expected.push(410);
  await person.press('Enable 2FA');
  const phone = await Phone.scan(service, person.page);
  service.advance(601);
  await confirm(person, phone.code());
  await person.sees('This QR code is too old');
  await person.follow('Go to your account');
  await person.press('Enable 2FA');
  person.at('/two-factor/enable');
  await person.page.getByLabel('Your password').fill(PASSWORD);
  await person.press('Continue');
  await confirm(person, (await Phone.scan(service, person.page)).code());
  await person.page.waitForURL('/two-factor/backup-codes');
  await person.leave();
});

test('the QR code can be scanned at every size, in light, dark, forced colours and print', async () => {
  const person = await newcomer({ deviceScaleFactor: 2 });
  await person.press('Enable 2FA');
  const { page } = person;
  const keys = new Set();
  for (const width of [320, 768, 1280]) {
    await page.setViewportSize({ width, height: 800 });
    for (const media of [
      { colorScheme: 'light' }, { colorScheme: 'dark' }, { forcedColors: 'active' }, { media: 'print' },
    ]) {
      await page.emulateMedia({ colorScheme: 'light', forcedColors: 'none', media: 'screen', ...media });
      keys.add((await Phone.scan(service, page)).key);
    }
  }
  assert.equal(keys.size, 1);
  await person.leave();
});

test('backup codes are shown once, and neither reload nor back makes them void', async () => {
  const person = await newcomer();
  const { page } = person;
  await enable(person);
  const codes = await generate(person);
  // Chromium asks whether to send the form again; here it does without asking.
  await page.reload();
  await person.sees('codes are shown once');
  const content = await page.content();
  assert.ok(codes.every((code) => !content.includes(code)));
  await page.goBack();
  await page.goto('/account');
  await person.sees('10 of 10 left');
  const email = await page.locator('p.name').first().textContent();
  await person.signOut();
  await person.givePassword(email, PASSWORD);
  await person.giveCode(codes[0]);
  await person.sees('backup code 1');
  await person.leave();
});

test('copy and print are offered with scripts; the file is the same', async () => {
  const person = await newcomer({ permissions: ['clipboard-read', 'clipboard-write'] });
  const { page } = person;
  await enable(person);
  await generate(person);
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
  await person.leave();
});

test('a tampered form changes nothing', async () => {
  const person = await newcomer();
  person.expected.push(403, 422);
  const { page } = person;
  const tamper = (selector, change) => page.locator(selector).evaluate(change);
  await tamper('main form input[name=csrf]', (input) => { input.value = '0'.repeat(32); });
  await person.press('Enable 2FA');
  await person.sees('That page was out of date');
  await page.goto('/account');
  await tamper('main form input[name=csrf]', (input) => { input.remove(); });
  await person.press('Enable 2FA');
  await person.sees('That form could not be read');
  await page.goto('/account');
  await enable(person);
  await generate(person);
  await tamper('input[name=text]', (input) => { input.value = `x${input.value}`; });
  await page.getByRole('button', { name: 'Download' }).click();
  await person.sees('These codes are not shown any more');
  await person.leave();
});

test('a form on another site is refused', async (t) => {
  const person = await newcomer();
  person.expected.push(403);
  const evil = createServer((_, response) => {
    response.setHeader('content-type', 'text/html');
    response.end(`<link rel="icon" href="data:,"><form method="post" action="${service.origin}/sign-out"><button>Win</button></form>`);
  });
  await new Promise((listening) => { evil.listen(0, '127.0.0.1', listening); });
  t.after(() => evil.close());
  const { page } = person;
  // Another port is another origin, though for cookies it is the same site.
  await page.goto(`http://127.0.0.1:${evil.address().port}/`);
  await person.press('Win');
  await person.sees('That form came from another site');
  await page.goto(`${service.origin}/account`);
  person.at('/account');
  await person.leave();
});
