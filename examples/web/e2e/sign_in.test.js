// The second page: races, double clicks, the back button, expiry, and what a half-signed-in session reaches.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { launch, Person } from './lib/browser.js';
import { Service } from './lib/service.js';
import { enable, generate, PASSWORD, someone } from './lib/steps.js';

let service;
let browser;
before(async () => { [service, browser] = await Promise.all([Service.start(), launch()]); });
after(() => Promise.all([browser?.close(), service?.stop()]));

// Somebody who has a phone, and is signed out.
async function enrolled(options) {
  const email = someone();
  const person = await Person.arrive(browser, service, options);
  await person.signUp(email, PASSWORD);
  const phone = await enable(person);
  return { email, person, phone };
}

async function atTheDoor(email, options) {
  const person = await Person.arrive(browser, service, options);
  await person.givePassword(email, PASSWORD);
  await person.page.waitForURL('/sign-in/code');
  return person;
}

for (const kind of ['passcode', 'backup code']) {
  test(`two browsers send one ${kind} at once: exactly one gets in`, async () => {
    const { email, person, phone } = await enrolled();
    const [code] = kind === 'passcode' ? [phone.next()] : await generate(person);
    const two = [await atTheDoor(email), await atTheDoor(email)];
    await Promise.all(two.map((one) => one.giveCode(code)));
    await Promise.all(two.map(({ page }) => page.waitForLoadState()));
    const paths = two.map(({ page }) => new URL(page.url()).pathname).sort();
    assert.deepEqual(paths, ['/account', '/sign-in/code']);
    const loser = two.find(({ page }) => page.url().endsWith('/code'));
    await loser.sees('That code was not accepted');
    for (const one of [...two, person]) await one.leave();
  });
}

for (const javaScriptEnabled of [true, false]) {
  test(`a double click signs in once, ${javaScriptEnabled ? 'with' : 'without'} scripts`, async () => {
    const { email, phone, person } = await enrolled();
    const one = await atTheDoor(email, { javaScriptEnabled });
    await one.page.getByLabel('Code', { exact: true }).fill(phone.next());
    await one.page.getByRole('button', { name: 'Sign in' }).dblclick();
    // Whichever answer the browser takes, the code counts once, and nobody is left outside for good.
    await one.page.locator('#two-factor, #problem, #password').first().waitFor();
    if (!one.page.url().endsWith('/account')) {
      await one.givePassword(email, PASSWORD);
      await one.giveCode(phone.next());
    }
    await one.page.waitForURL('/account');
    await one.leave();
    await person.leave();
  });
}

// Each tab has its own answer, in either order: neither takes away the session that the other one was given.
for (const kind of ['passcode', 'backup code']) {
  test(`two tabs send one ${kind} at once: the person ends signed in`, async () => {
    const { email, person, phone } = await enrolled();
    const codes = kind === 'passcode' ? [] : await generate(person);
    for (let i = 0; i < 4; i += 1) {
      const one = await atTheDoor(email);
      const tabs = [one.page, await one.newTab()];
      await tabs[1].goto('/sign-in/code');
      const code = codes[i] ?? phone.next();
      for (const tab of tabs) await tab.getByLabel('Code', { exact: true }).fill(code);
      await Promise.all(tabs.map((tab) => tab.getByRole('button', { name: 'Sign in' }).click()));
      await Promise.all(tabs.map((tab) => tab.waitForLoadState()));
      await one.page.goto('/account');
      one.at('/account');
      await one.leave();
    }
    await person.leave();
  });
}

test('a script that submits the form twice signs in', async () => {
  const { email, phone, person } = await enrolled();
  const one = await atTheDoor(email);
  await one.page.getByLabel('Code', { exact: true }).fill(phone.next());
  await one.page.evaluate(() => {
    const form = document.querySelector('form[action="/sign-in/code"]');
    form.submit();
    form.submit();
  });
  await one.page.waitForURL('/account');
  await one.leave();
  await person.leave();
});

test('a sign-out in one tab leaves a sign-in form that works in the other', async () => {
  const { email, phone, person } = await enrolled();
  const one = await atTheDoor(email);
  await one.giveCode(phone.next());
  await one.page.waitForURL('/account');
  const other = await one.newTab();
  await other.goto('/account');
  await one.signOut();
  await other.reload();
  await other.waitForURL(/\/sign-in/);
  await one.givePassword(email, PASSWORD);
  await one.giveCode(phone.next());
  await one.page.waitForURL('/account');
  await other.reload();
  await other.waitForURL('/account');
  await one.leave();
  await person.leave();
});

test('the back button shows neither the code page nor the account of who has left', async () => {
  const { email, phone, person } = await enrolled();
  const one = await atTheDoor(email);
  await one.giveCode(phone.next());
  await one.page.waitForURL('/account');
  await one.page.goBack();
  await one.page.waitForURL('/account');
  await one.signOut();
  await one.page.goBack();
  await one.page.waitForURL(/\/sign-in/);
  await one.leave();
  await person.leave();
});

test('a reload keeps the code page, and after a wrong code sends nothing again', async () => {
  const { email, phone, person } = await enrolled();
  const one = await atTheDoor(email);
  await one.giveCode(phone.wrong());
  await one.sees('That code was not accepted');
  for (let i = 0; i < 6; i += 1) await one.page.reload();
  assert.equal(await one.page.getByText('That code was not accepted').count(), 0);
  await one.giveCode(phone.next());
  await one.page.waitForURL('/account');
  await one.leave();
  await person.leave();
});

test('half signed in, every address leads to the code page', async () => {
  const { email, person } = await enrolled();
  const one = await atTheDoor(email);
  for (const path of ['/', '/account', '/two-factor/enable', '/two-factor/add', '/two-factor/disable',
    '/two-factor/backup-codes', '/two-factor/setup/0123456789abcdef']) {
    await one.page.goto(path);
    one.at('/sign-in/code');
  }
  await one.press('Cancel');
  await one.sees('You are signed out');
  await one.page.goto('/account');
  one.at('/sign-in');
  await one.leave();
  await person.leave();
});

test('sessions end: half signed in after ten minutes, signed in after half an hour', async () => {
  const { email, person } = await enrolled();
  const one = await atTheDoor(email);
  service.advance(601);
  await one.giveCode('123456');
  await one.sees('Your session has ended');
  service.advance(1800);
  await person.page.goto('/account');
  await person.sees('Your session has ended');
  await one.leave();
  await person.leave();
});

test('after five wrong codes the page counts down, and lets on by itself', async () => {
  const { email, phone, person } = await enrolled();
  const one = await atTheDoor(email);
  for (let i = 0; i < 5; i += 1) {
    await one.giveCode(phone.wrong());
    await one.page.waitForURL('/sign-in/code');
  }
  const clock = one.page.locator('[data-seconds]');
  assert.match(await clock.textContent(), /^0:[0-3]\d$/);
  assert.equal(await one.page.getByLabel('Code', { exact: true }).count(), 0);
  // Without scripts the page says how long, and has a link to look again.
  const other = await atTheDoor(email, { javaScriptEnabled: false });
  await other.sees('seconds');
  service.advance(29);
  await one.page.reload();
  await one.page.getByLabel('Code', { exact: true }).waitFor();
  await other.follow('Try again');
  await other.giveCode(phone.next());
  await other.page.waitForURL('/account');
  for (const person_ of [one, other, person]) await person_.leave();
});

test('the one field takes both kinds, pasted or typed, and browsers know what it is', async () => {
  const { email, phone, person } = await enrolled();
  const one = await atTheDoor(email);
  const field = one.page.getByLabel('Code', { exact: true });
  const { autocomplete, inputmode, autocapitalize, pattern, maxlength } = await field.evaluate(
    (element) => Object.fromEntries([...element.attributes].map(({ name, value }) => [name, value])));
  assert.deepEqual([autocomplete, inputmode, autocapitalize], ['one-time-code', 'numeric', 'none']);
  assert.deepEqual([pattern, maxlength], [undefined, undefined]);
  assert.ok(await field.evaluate((element) => element === document.activeElement));
  const code = phone.next();
  await one.page.keyboard.type(`${code.slice(0, 3)}-${code.slice(3)}`);
  await one.page.keyboard.press('Enter');
  await one.page.waitForURL('/account');
  await one.leave();
  await person.leave();
});
