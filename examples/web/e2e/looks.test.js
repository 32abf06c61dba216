// Each page, in light and dark, from 320 px to a desktop: nothing sticks out, axe has nothing to say, and it is small. The
// pictures are for people to look at.
import assert from 'node:assert/strict';
import { mkdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { after, before, test } from 'node:test';
import { launch, Person, picture } from './lib/browser.js';
import { Phone } from './lib/phone.js';
import { Service } from './lib/service.js';
import { confirm, enable, generate, PASSWORD } from './lib/steps.js';

const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
const RULES = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'];
const SHOTS = new URL('shots/', import.meta.url).pathname;
const LARGEST = 60_000;
const OPERATOR = 'operator@example.com';

let largest = 0;
let service;
let browser;
before(async () => {
  mkdirSync(SHOTS, { recursive: true });
  [service, browser] = await Promise.all([Service.start({ operator: OPERATOR }), launch()]);
});
after(() => Promise.all([browser?.close(), service?.stop()]));

async function look({ page }, name) {
  const bytes = await page.evaluate(() => performance.getEntriesByType('resource')
    .concat(performance.getEntriesByType('navigation'))
    .reduce((sum, entry) => sum + entry.decodedBodySize, 0));
  largest = Math.max(largest, bytes);
  assert.ok(bytes < LARGEST, `${name} has ${bytes} bytes`);
  for (const colorScheme of ['light', 'dark']) {
    await page.emulateMedia({ colorScheme });
    for (const width of [320, 1280]) {
      await page.setViewportSize({ width, height: 800 });
      const wide = await page.evaluate(() => document.documentElement.scrollWidth);
      assert.ok(wide <= width, `${name} is ${wide} px wide at ${width} px`);
      await picture(page, { path: `${SHOTS}${name}-${width}-${colorScheme}.png`, fullPage: true });
    }
    await page.evaluate(AXE);
    const { violations } = await page.evaluate((runOnly) => globalThis.axe.run({ runOnly }), RULES);
    const found = violations.map(({ id, impact, nodes }) => `${id} (${impact}): ${nodes.map((node) => node.html).join('; ')}`);
    assert.deepEqual(found, [], `${name}, ${colorScheme}`);
  }
}

test('each page', async () => {
  const email = 'alice@example.com';
  const person = await Person.arrive(browser, service);
  const { page } = person;
  person.expected.push(404, 410);

  await page.goto('/sign-up');
  await look(person, 'sign-up');
  await page.getByLabel('Email address').fill('alice@example');
  await person.press('Continue');
  await look(person, 'sign-up-problem');
  const link = await service.linkMailedBy(async () => {
    await page.getByLabel('Email address').fill(email);
    await person.press('Continue');
  });
  await look(person, 'sign-up-sent');
  await page.goto(link);
  await look(person, 'choose-password');
  await page.getByLabel('Password').fill(PASSWORD);
  await person.press('Create the account');
  await look(person, 'account-off');

  await page.goto('/two-factor/enable');
  await look(person, 'enable-password');
  await page.goto('/account');
  await person.press('Enable 2FA');
  await look(person, 'setup');
  await confirm(person, '000000');
  await look(person, 'setup-problem');
  const old = page.url();
  await page.goto('/account');
  await person.press('Enable 2FA');
  await page.goto(old);
  await look(person, 'setup-void');
  await page.goto('/account');
  const phone = await enable(person);
  await look(person, 'backup-codes-password');
  await page.goto('/account');
  await look(person, 'account-on-without-codes');
  const codes = await generate(person);
  await look(person, 'backup-codes');
  await page.emulateMedia({ media: 'print' });
  await picture(page, { path: `${SHOTS}backup-codes-print.png`, fullPage: true });
  await page.emulateMedia({ media: 'screen' });
  await person.press('I have saved these');

  await page.goto('/two-factor/add');
  await look(person, 'add');
  await person.field('Name').fill('A tablet with quite a long name, in the kitchen');
  await page.getByLabel('Your password').fill(PASSWORD);
  await person.press('Continue');
  service.advance(30);
  await confirm(person, (await Phone.scan(service, page)).code());
  await page.waitForURL('/account');
  await look(person, 'account-on');
  await person.follow('Move to a new phone');
  await look(person, 'replace');
  await page.goto('/account');
  await person.follow('Remove Authenticator app');
  await look(person, 'remove');
  await page.goto('/two-factor/disable');
  await look(person, 'disable');
  await page.goto('/no-such-page');
  await look(person, 'not-found');

  for (const code of codes.slice(0, 7)) {
    await page.goto('/account');
    await person.signOut();
    await person.givePassword(email, PASSWORD);
    await person.giveCode(code);
    await page.waitForURL('/account');
  }
  await look(person, 'account-few-codes');
  await person.signOut();
  await look(person, 'sign-in');
  await person.givePassword(email, 'wrong');
  await look(person, 'sign-in-problem');
  await person.givePassword(email, PASSWORD);
  await look(person, 'code');
  await person.page.getByText('Lost your phone?').click();
  await look(person, 'code-lost');
  for (let wrong = 0; wrong < 5; wrong += 1) {
    await page.goto('/sign-in/code');
    await person.giveCode(phone.wrong());
    if (wrong === 0) await look(person, 'code-problem');
  }
  await person.sees('No code is looked at');
  await look(person, 'code-wait');
  await person.leave();
});

test('the operator\'s page', async (t) => {
  const person = await Person.arrive(browser, service);
  const { page } = person;
  await person.signUp(OPERATOR, PASSWORD);
  await enable(person);
  await page.goto('/admin');
  await look(person, 'admin');
  await page.getByLabel('Email address').fill('alice@example.com');
  await person.press('Look up');
  await person.sees('Waiting');
  await page.getByLabel('Reason').fill('She came to the desk and showed her passport');
  await person.press('Unlock');
  await person.sees('put on record');
  await look(person, 'admin-account');
  await person.leave();
  t.diagnostic(`the largest page has ${largest} bytes, style sheet and script included`);
});
