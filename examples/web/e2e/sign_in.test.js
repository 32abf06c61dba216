// The code page: races, double clicks, the back button, expiry, and the pages that a session without a code reaches.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { atCodePage, enrolled, generate, PASSWORD, setUp } from './lib/steps.js';

const shared = setUp();

// The nodes that a screen reader gets, by id.
async function accessibilityTree(page) {
  const session = await page.context().newCDPSession(page);
  const { nodes } = await session.send('Accessibility.getFullAXTree');
  const property = ({ properties = [] }, name) => properties.find((one) => one.name === name)?.value.value;
  return new Map(nodes.map((node) => [node.nodeId, {
    name: node.name?.value ?? '', live: property(node, 'live'), parent: node.parentId,
  }]));
}

for (const kind of ['passcode', 'backup code']) {
  test(`one of two browsers signs in with one ${kind}`, async () => {
    const { email, user, phone } = await enrolled(shared);
    const [code] = kind === 'passcode' ? [phone.next()] : await generate(user);
    const two = [await atCodePage(shared, email), await atCodePage(shared, email)];
    await Promise.all(two.map((one) => one.giveCode(code)));
    await Promise.all(two.map(({ page }) => page.waitForLoadState()));
    const paths = two.map(({ page }) => new URL(page.url()).pathname).sort();
    assert.deepEqual(paths, ['/account', '/two-factor/code']);
    const loser = two.find(({ page }) => page.url().endsWith('/code'));
    await loser.sees('That code was not accepted');
    for (const one of [...two, user]) await one.close();
  });
}

for (const javaScriptEnabled of [true, false]) {
  test(`a double click signs in once, ${javaScriptEnabled ? 'with' : 'without'} scripts`, async () => {
    const { email, phone, user } = await enrolled(shared);
    const one = await atCodePage(shared, email, { javaScriptEnabled });
    await one.page.getByLabel('Code', { exact: true }).fill(phone.next());
    await one.page.getByRole('button', { name: 'Sign in' }).dblclick();
    // The browser may show either answer, and both are the same.
    await one.arrivesAt('/account');
    await one.sees('Signed in with a password and a code');
    assert.equal(await one.page.getByText('A wrong code').count(), 0);
    await one.close();
    await user.close();
  });
}

// Each tab gets its own answer, in either order. Neither answer removes the session that the other one set.
for (const kind of ['passcode', 'backup code']) {
  test(`two tabs with one ${kind} sign the user in`, async () => {
    const { email, user, phone } = await enrolled(shared);
    const codes = kind === 'passcode' ? [] : await generate(user);
    for (let i = 0; i < 4; i += 1) {
      const one = await atCodePage(shared, email);
      const tabs = [one.page, await one.newTab()];
      await tabs[1].goto('/two-factor/code');
      const code = codes[i] ?? phone.next();
      for (const tab of tabs) await tab.getByLabel('Code', { exact: true }).fill(code);
      await Promise.all(tabs.map((tab) => tab.getByRole('button', { name: 'Sign in' }).click()));
      await Promise.all(tabs.map((tab) => tab.waitForLoadState()));
      await one.page.goto('/account');
      one.at('/account');
      await one.close();
    }
    await user.close();
  });
}

// The browser drops the first answer. Chromium sends the second request while the first one runs, or after its end.
for (const kind of ['passcode', 'backup code']) {
  test(`a form that is submitted twice with one ${kind} signs in`, async () => {
    const { email, user, phone } = await enrolled(shared);
    const codes = kind === 'passcode' ? [] : await generate(user);
    for (const [round, delay] of [0, 1, 30, 40, 100].entries()) {
      const one = await atCodePage(shared, email);
      const requests = [];
      one.page.on('request', (request) => { if (request.method() === 'POST') requests.push(request.url()); });
      await one.page.getByLabel('Code', { exact: true }).fill(codes[round] ?? phone.next());
      await one.page.evaluate((later) => {
        const form = document.querySelector('form[action="/two-factor/code"]');
        form.submit();
        if (later === 0) form.submit();
        else setTimeout(() => form.submit(), later);
      }, delay);
      await one.arrivesAt('/account');
      assert.ok(requests.length <= 2, `${requests.length} requests`);
      await one.page.goto('/account');
      one.at('/account');
      assert.equal(await one.page.getByText('A wrong code').count(), 0, `${delay} ms`);
      await one.close();
    }
    await user.close();
  });
}

test('after signing out, the other tab can sign in', async () => {
  const { email, phone, user } = await enrolled(shared);
  const one = await atCodePage(shared, email);
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
  await one.close();
  await user.close();
});

test('the back button shows no page after signing out', async () => {
  const { email, phone, user } = await enrolled(shared);
  const one = await atCodePage(shared, email);
  await one.giveCode(phone.next());
  await one.page.waitForURL('/account');
  await one.page.goBack();
  await one.page.waitForURL('/account');
  await one.signOut();
  await one.page.goBack();
  await one.page.waitForURL(/\/sign-in/);
  await one.close();
  await user.close();
});

test('a reload of the code page sends no code again', async () => {
  const { email, phone, user } = await enrolled(shared);
  const one = await atCodePage(shared, email);
  await one.giveCode(phone.wrong());
  await one.sees('That code was not accepted');
  for (let i = 0; i < 6; i += 1) await one.page.reload();
  assert.equal(await one.page.getByText('That code was not accepted').count(), 0);
  await one.giveCode(phone.next());
  await one.page.waitForURL('/account');
  await one.close();
  await user.close();
});

test('without a code, every address leads to the code page', async () => {
  const { email, user } = await enrolled(shared);
  const one = await atCodePage(shared, email);
  for (const path of ['/', '/account', '/api-token', '/two-factor', '/two-factor/setup', '/two-factor/add', '/two-factor/disable',
    '/two-factor/backup-codes', '/two-factor/setup/0123456789abcdef']) {
    await one.page.goto(path);
    one.at('/two-factor/code');
  }
  await one.press('Use another account');
  await one.page.waitForURL('/sign-in');
  await one.page.goto('/account');
  one.at('/sign-in');
  await one.close();
  await user.close();
});

test('sessions end after ten or thirty minutes', async () => {
  const { email, user } = await enrolled(shared);
  const one = await atCodePage(shared, email);
  shared.service.advance(601);
  await one.giveCode('123456');
  await one.page.waitForURL('/sign-in');
  shared.service.advance(1801);
  await user.page.goto('/account');
  user.at('/sign-in');
  await one.close();
  await user.close();
});

test('after five wrong codes the page counts down', async () => {
  const { email, phone, user } = await enrolled(shared);
  const one = await atCodePage(shared, email);
  await one.page.clock.install();
  for (let i = 0; i < 5; i += 1) {
    await one.giveCode(phone.wrong(i + 1));
    await one.page.waitForURL('/two-factor/code');
  }
  const clock = one.page.locator('[data-cs-clock]');
  assert.match(await clock.textContent(), /^0:[0-3]\d$/);
  assert.equal(await one.page.getByLabel('Code', { exact: true }).count(), 0);
  // Without scripts the page shows the time to wait, and a link to try again.
  const other = await atCodePage(shared, email, { javaScriptEnabled: false });
  await other.sees('seconds');
  // Nothing reads the clock aloud every second: it is in no live region. The start and the end are said.
  const nodes = await accessibilityTree(one.page);
  const live = ({ live: value }) => value === 'polite' || value === 'assertive';
  const above = (node) => (node ? [node, ...above(nodes.get(node.parent))] : []);
  const times = [...nodes.values()].filter(({ name }) => /^\d+:\d\d$/.test(name));
  assert.ok(times.length > 0, 'the clock is in the tree');
  for (const time of times) assert.deepEqual(above(time).filter(live), []);
  const said = [...nodes.values()].filter((node) => /^Too many wrong codes/.test(node.name) && above(node).some(live));
  assert.ok(said.length > 0, 'the start is said');
  assert.equal(await one.page.locator('.cs-clock').getAttribute('aria-live'), 'off');
  await one.page.clock.fastForward(31_000);
  await one.page.getByRole('status').getByText('You can enter a code now').waitFor();
  shared.service.advance(31);
  await one.follow('Try again');
  await one.page.getByLabel('Code', { exact: true }).waitFor();
  await other.follow('Try again');
  await other.giveCode(phone.next());
  await other.page.waitForURL('/account');
  for (const each of [one, other, user]) await each.close();
});

test('the code field accepts typed codes and helps browsers', async () => {
  const { email, phone, user } = await enrolled(shared);
  const one = await atCodePage(shared, email);
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
  await one.close();
  await user.close();
});
