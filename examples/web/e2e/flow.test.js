// The steps of a user from the first visit to the new phone, with and without scripts.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { User } from './lib/browser.js';
import { Phone } from './lib/phone.js';
import { Service } from './lib/service.js';
import { confirm, enable, generate, giveOwnPassword, newEmail, PASSWORD, setUp } from './lib/steps.js';

const shared = setUp();

for (const javaScriptEnabled of [true, false]) {
  test(`the whole flow ${javaScriptEnabled ? 'with' : 'without'} scripts`, async () => {
    const { browser, service } = shared;
    const email = newEmail();
    const user = await User.open(browser, service, { javaScriptEnabled });
    const { page } = user;
    await user.signUp(email, PASSWORD);

    await user.press('Enable 2FA');
    await page.getByText('No app yet?').click();
    await user.sees('Google Authenticator');
    const phone = await Phone.scan(service, page);
    assert.equal(phone.uri.searchParams.get('issuer'), 'Example');
    const key = await page.locator('.cs-key').evaluate((element) => element.lastChild.textContent);
    assert.match(key, /^[A-Z2-7]{4}( [A-Z2-7]{4}){7}$/);
    assert.equal(key.replaceAll(' ', ''), phone.key);

    await confirm(user, phone.wrong());
    await user.sees('The QR code and the key stay the same');
    assert.equal((await Phone.scan(service, page)).key, phone.key);
    await page.reload();
    assert.equal((await Phone.scan(service, page)).key, phone.key);
    await confirm(user, phone.code());
    await page.waitForURL('/two-factor/backup-codes');
    await user.sees('Two-factor authentication is on');
    await service.until(/Subject: Example: (Two-factor authentication is on)/);

    // The password was checked a moment ago, so the page does not ask for it again.
    assert.equal(await page.getByLabel('Your password').count(), 0);
    const codes = await generate(user);
    assert.equal(new Set(codes).size, 10);
    assert.ok(codes.every((code) => /^\d{4} \d{4}$/.test(code)));
    const [download] = await Promise.all([
      page.waitForEvent('download'),
      page.getByRole('button', { name: 'Download' }).click(),
    ]);
    assert.equal(download.suggestedFilename(), 'example-backup-codes.txt');
    const file = readFileSync(await download.path(), 'utf8');
    assert.ok(codes.every((code) => file.includes(code)));
    assert.equal(file.split('\n').length, file.split('\r\n').length);
    await user.press('I have saved these');
    await user.sees('10 of 10 left');
    await user.signOut();

    await user.givePassword(email, PASSWORD);
    await page.waitForURL('/two-factor/code');
    await user.giveCode(phone.wrong());
    await user.sees('That code was not accepted');
    const code = phone.next();
    await user.giveCode(`${code.slice(0, 3)} ${code.slice(3)}`);
    await page.waitForURL('/account');
    await user.signOut();

    await user.givePassword(email, PASSWORD);
    await user.giveCode(codes[3]);
    await user.sees('You have signed in with backup code 4');
    await user.sees('Signed in with a password and a backup code');
    await user.sees('9 of 10 left');
    assert.equal(await page.getByText('was tried').count(), 0);
    await service.until(/Subject: Example: (A backup code was used)/);

    await user.follow('Manage');
    await user.follow('Move to a new phone');
    await giveOwnPassword(user);
    const newPhone = await Phone.scan(service, page);
    assert.notEqual(newPhone.key, phone.key);
    await confirm(user, newPhone.code(), 'Replace');
    await user.sees('is replaced');
    await user.signOut();
    await user.givePassword(email, PASSWORD);
    await user.giveCode(phone.next());
    await user.sees('That code was not accepted');
    await user.giveCode(newPhone.next());
    await page.waitForURL('/account');

    await user.follow('Manage');
    await user.follow('Add another authenticator');
    await user.field('Name').fill('Tablet');
    await giveOwnPassword(user);
    const tablet = await Phone.scan(service, page);
    await confirm(user, tablet.code(), 'Confirm');
    await user.sees('“Tablet” is added');
    await user.follow(/^Remove.*Tablet$/);
    await giveOwnPassword(user, 'Remove');
    await user.sees('“Tablet” is removed');

    await user.follow('Turn off');
    await page.getByLabel('Your password').fill(PASSWORD);
    await user.giveCode(newPhone.next(), 'Turn off');
    await user.sees('Two-factor authentication is off');
    await service.until(/Subject: Example: (Two-factor authentication is off)/);
    await user.signOut();
    await user.givePassword(email, PASSWORD);
    await page.waitForURL('/account');
    await user.close();
  });
}

test('the program itself works on the system clock', async (t) => {
  const program = await Service.startProgram();
  t.after(() => program.stop());
  const user = await User.open(shared.browser, program);
  await user.signUp('alice@example.com', PASSWORD);
  const phone = await enable(user);
  await user.signOut();
  await user.givePassword('alice@example.com', PASSWORD);
  await user.giveCode(phone.code());
  await user.sees('That code was not accepted');
  await user.close();
});
