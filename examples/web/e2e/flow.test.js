// The way of a person from the first visit to the new phone, with and without scripts.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, before, test } from 'node:test';
import { launch, Person } from './lib/browser.js';
import { Phone } from './lib/phone.js';
import { Service } from './lib/service.js';
import { confirm, enable, generate, PASSWORD, someone } from './lib/steps.js';

let service;
let browser;
before(async () => { [service, browser] = await Promise.all([Service.start(), launch()]); });
after(() => Promise.all([browser?.close(), service?.stop()]));

for (const javaScriptEnabled of [true, false]) {
  test(`the whole flow ${javaScriptEnabled ? 'with' : 'without'} scripts`, async () => {
    const email = someone();
    const person = await Person.arrive(browser, service, { javaScriptEnabled });
    const { page } = person;
    await person.signUp(email, PASSWORD);

    await person.press('Enable 2FA');
    await person.sees('Google Authenticator');
    const phone = await Phone.scan(service, page);
    assert.equal(phone.uri.searchParams.get('issuer'), 'Example');
    const key = await page.locator('#key').textContent();
    assert.match(key, /^[A-Z2-7]{4}( [A-Z2-7]{4}){7}$/);
    assert.equal(key.replaceAll(' ', ''), phone.key);

    await confirm(person, phone.wrong());
    await person.sees('The QR code and the key stay the same');
    assert.equal((await Phone.scan(service, page)).key, phone.key);
    await page.reload();
    assert.equal((await Phone.scan(service, page)).key, phone.key);
    await confirm(person, phone.code());
    await page.waitForURL('/two-factor/backup-codes');
    await person.sees('Two-factor authentication is on');
    await service.until(/Subject: Example: (Two-factor authentication is on)/);

    await page.getByLabel('Your password').fill('not the password');
    await person.press('Generate backup codes');
    await person.sees('That is not your password');
    const codes = await generate(person);
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
    await person.press('I have saved these');
    await person.sees('10 of 10 left');
    await person.signOut();

    await person.givePassword(email, PASSWORD);
    await page.waitForURL('/sign-in/code');
    await person.giveCode(phone.wrong());
    await person.sees('That code was not accepted');
    const code = phone.next();
    await person.giveCode(`${code.slice(0, 3)} ${code.slice(3)}`);
    await page.waitForURL('/account');
    await person.signOut();

    await person.givePassword(email, PASSWORD);
    await person.giveCode(codes[3]);
    await person.sees('backup code 4');
    await person.sees('9 of 10 left');
    await service.until(/Subject: Example: (A backup code was used)/);

    await person.follow('Move to a new phone');
    await page.getByLabel('Your password').fill(PASSWORD);
    await person.press('Continue');
    const newPhone = await Phone.scan(service, page);
    assert.notEqual(newPhone.key, phone.key);
    await confirm(person, newPhone.code(), 'Replace');
    await person.sees('is replaced');
    await person.signOut();
    await person.givePassword(email, PASSWORD);
    await person.giveCode(phone.next());
    await person.sees('That code was not accepted');
    await person.giveCode(newPhone.next());
    await page.waitForURL('/account');

    await person.follow('Add another authenticator');
    await person.field('Name').fill('Tablet');
    await page.getByLabel('Your password').fill(PASSWORD);
    await person.press('Continue');
    const tablet = await Phone.scan(service, page);
    await confirm(person, tablet.code());
    await person.sees('"Tablet" is added');
    await person.follow('Remove Tablet');
    await page.getByLabel('Your password').fill(PASSWORD);
    await person.press('Remove');
    await person.sees('"Tablet" is removed');

    await person.follow('Turn off');
    await page.getByLabel('Your password').fill(PASSWORD);
    await person.giveCode(newPhone.next(), 'Turn off');
    await person.sees('Two-factor authentication is off');
    await service.until(/Subject: Example: (Two-factor authentication is off)/);
    await person.signOut();
    await person.givePassword(email, PASSWORD);
    await page.waitForURL('/account');
    await person.leave();
  });
}

test('the program as people run it, on the clock of the machine', async (t) => {
  const program = await Service.startProgram();
  t.after(() => program.stop());
  const person = await Person.arrive(browser, program);
  await person.signUp('alice@example.com', PASSWORD);
  const phone = await enable(person);
  await person.signOut();
  await person.givePassword('alice@example.com', PASSWORD);
  await person.giveCode(phone.code());
  await person.sees('That code was not accepted');
  await person.leave();
});
