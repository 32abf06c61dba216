// Checks each page in light and dark, from 320 px to the width of a desktop. Each page must fit the width and be small,
// and axe must find no violation.
// The screenshots are for reviewers.
import assert from 'node:assert/strict';
import { mkdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { test } from 'node:test';
import { screenshot, User } from './lib/browser.js';
import { Phone } from './lib/phone.js';
import { confirm, enable, generate, giveOwnPassword, PASSWORD, setUp } from './lib/steps.js';

const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
const RULES = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'];
const SHOTS = new URL('shots/', import.meta.url).pathname;
const LARGEST = 60_000;
const OPERATOR = 'operator@example.com';

let largest = 0;
const shared = setUp({ operator: OPERATOR });
mkdirSync(SHOTS, { recursive: true });

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
      await screenshot(page, { path: `${SHOTS}${name}-${width}-${colorScheme}.png`, fullPage: true });
    }
    await page.evaluate(AXE);
    const { violations } = await page.evaluate((runOnly) => globalThis.axe.run({ runOnly }), RULES);
    const found = violations.map(({ id, impact, nodes }) => `${id} (${impact}): ${nodes.map((node) => node.html).join('; ')}`);
    assert.deepEqual(found, [], `${name}, ${colorScheme}`);
  }
}

test('each page is accessible and small', async () => {
  const email = 'alice@example.com';
  const user = await User.open(shared.browser, shared.service);
  const { page } = user;
  user.expected.push(404, 410, 422);

  await page.goto('/sign-up');
  await look(user, 'sign-up');
  await page.getByLabel('Email address').fill('alice@example');
  await user.press('Continue');
  await look(user, 'sign-up-problem');
  const link = await shared.service.linkMailedBy(async () => {
    await page.getByLabel('Email address').fill(email);
    await user.press('Continue');
  });
  await look(user, 'sign-up-sent');
  await page.goto(link);
  await look(user, 'choose-password');
  await page.getByLabel('Password').fill(PASSWORD);
  await user.press('Create the account');
  await look(user, 'account-off');

  await page.goto('/two-factor');
  await look(user, 'overview-off');
  await page.goto('/two-factor/setup');
  await look(user, 'enable');
  await page.goto('/account');
  await user.press('Enable 2FA');
  await look(user, 'setup');
  await confirm(user, '000000');
  await look(user, 'setup-problem');
  const old = page.url();
  await page.goto('/account');
  await user.press('Enable 2FA');
  await page.goto(old);
  await look(user, 'setup-replaced');
  await page.goto('/account');
  const phone = await enable(user);
  await look(user, 'backup-codes-ask');
  await page.goto('/account');
  await look(user, 'account-on-without-codes');
  const codes = await generate(user);
  await look(user, 'backup-codes');
  await page.emulateMedia({ media: 'print' });
  await screenshot(page, { path: `${SHOTS}backup-codes-print.png`, fullPage: true });
  await page.emulateMedia({ media: 'screen' });
  await user.press('I have saved these');
  await page.waitForURL('/two-factor');

  await page.goto('/two-factor/add');
  await look(user, 'add');
  await user.field('Name').fill('A tablet with quite a long name, in the kitchen');
  await giveOwnPassword(user);
  shared.service.advance(30);
  await confirm(user, (await Phone.scan(shared.service, page)).code(), 'Confirm');
  await page.waitForURL('/two-factor');
  await look(user, 'overview');
  await user.follow('Move to a new phone');
  await look(user, 'replace');
  await page.goto('/two-factor');
  await user.follow(/^Remove.*Authenticator app$/);
  await look(user, 'remove');
  await page.goto('/two-factor/disable');
  await look(user, 'disable');
  await page.goto('/no-such-page');
  await look(user, 'not-found');
  await page.goto('/two-factor/no-such-page');
  await look(user, 'not-found-gate');
  await page.goto('/api-token');
  await look(user, 'api-token-ask');
  await user.press('Make a token');
  await look(user, 'api-token');
  await page.goto('/account');
  await look(user, 'account-on');
  shared.service.advance(601);
  await page.goto('/api-token');
  await look(user, 'prove');

  for (const code of codes.slice(0, 7)) {
    await page.goto('/account');
    await user.signOut();
    await user.givePassword(email, PASSWORD);
    await user.giveCode(code);
    await page.waitForURL('/account');
  }
  await look(user, 'account-few-codes');
  await user.signOut();
  await look(user, 'sign-in');
  await page.goto('/sign-in/link');
  await look(user, 'link-ask');
  await user.givePassword(email, 'wrong');
  await look(user, 'sign-in-problem');
  await user.givePassword(email, PASSWORD);
  await look(user, 'code');
  await user.page.getByText('Lost your phone?').click();
  await look(user, 'code-lost');
  for (let wrong = 0; wrong < 5; wrong += 1) {
    await page.goto('/two-factor/code');
    await user.giveCode(phone.wrong(wrong + 1));
    if (wrong === 0) await look(user, 'code-problem');
  }
  await user.sees('You can try again in');
  await look(user, 'code-wait');
  await user.close();
});

test('the page of the operator is accessible and small', async (t) => {
  const user = await User.open(shared.browser, shared.service);
  const { page } = user;
  await user.signUp(OPERATOR, PASSWORD);
  await enable(user);
  await page.goto('/admin');
  await look(user, 'admin');
  await page.getByLabel('Email address').fill('alice@example.com');
  await user.press('Look up');
  await user.sees('refused for');
  await page.getByLabel('Reason').fill('She came to the desk and showed her passport');
  await user.press('Unlock');
  await user.sees('Your reason is stored');
  await look(user, 'admin-account');
  await user.close();
  t.diagnostic(`the largest page has ${largest} bytes, style sheet and script included`);
});
