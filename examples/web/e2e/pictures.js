// Takes the pictures of the README: `./run pictures.js`. The key on them is that of the demonstration, no account's; the backup
// codes are those of an account that is gone with its database. Needs pngquant.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { launch, Person, picture } from './lib/browser.js';
import { Service } from './lib/service.js';
import { enable, generate, PASSWORD } from './lib/steps.js';

const EMAIL = 'alice@example.com';
const KEY = 'JBSW Y3DP EHPK 3PXP JBSW Y3DP EHPK 3PXP';
const URI = `otpauth://totp/Example:${EMAIL}?secret=${KEY.replaceAll(' ', '')}&issuer=Example`;
const FOLDER = new URL('../../../docs/images/', import.meta.url).pathname;

const service = await Service.start();
const browser = await launch();
const options = { viewport: { width: 960, height: 720 } };

async function keep({ page }, name) {
  const path = `${FOLDER}web-${name}.png`;
  await picture(page, { path });
  execFileSync('pngquant', ['--quality=70-95', '--speed', '1', '--strip', '--force', '--output', path, path]);
}

// Shows the demonstration's key on the setup page, in the place of the account's.
async function withDemoKey({ page }, act) {
  const svg = execFileSync('cargo', ['run', '--quiet', '--package', 'countersign-examples', '--example', 'otp', '--', 'qr', '--svg', URI], { encoding: 'utf8' });
  await page.route('**/two-factor/setup/*', async (route) => {
    const response = await route.fetch();
    const body = (await response.text())
      .replace(/<svg xmlns[^]*?<\/svg>/, svg.slice(svg.indexOf('<svg')))
      .replace(/id="key">[^<]*/, `id="key">${KEY}`);
    await route.fulfill({ response, body });
  });
  await act();
  await page.unroute('**/two-factor/setup/*');
}

const person = await Person.arrive(browser, service, options);
await person.signUp(EMAIL, PASSWORD);
await withDemoKey(person, async () => {
  await person.press('Enable 2FA');
  await person.page.locator('#key').waitFor();
  // What a form redirects to is not routed; what is loaded again is.
  await person.page.reload();
  assert.equal(await person.page.locator('#key').textContent(), KEY);
  await keep(person, 'setup');
});
await person.page.goto('/account');
await enable(person);
const codes = await generate(person);
await keep(person, 'backup-codes');
await person.press('I have saved these');

const narrow = { viewport: { width: 360, height: 560 }, colorScheme: 'dark' };
const phone = await Person.arrive(browser, service, narrow);
await phone.givePassword(EMAIL, PASSWORD);
await phone.page.getByText('Lost your phone?').waitFor();
await keep(phone, 'code');
await phone.giveCode(codes[1]);
await phone.page.waitForURL('/account');
await person.page.goto('/account');
await keep(person, 'account');

await Promise.all([browser.close(), service.stop()]);
