// Takes the screenshots of the README: `./run screenshots.js`. They show a key for demonstration, which belongs to no
// account, and the backup codes of an account that is deleted with its database. Needs pngquant.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { launch, screenshot, User } from './lib/browser.js';
import { Service } from './lib/service.js';
import { enable, generate, PASSWORD } from './lib/steps.js';

const EMAIL = 'alice@example.com';
const KEY = 'JBSW Y3DP EHPK 3PXP JBSW Y3DP EHPK 3PXP';
const URI = `otpauth://totp/Example:${EMAIL}?secret=${KEY.replaceAll(' ', '')}&issuer=Example`;
const DIRECTORY = new URL('../../../docs/images/', import.meta.url).pathname;

const service = await Service.start();
const browser = await launch();
const options = { viewport: { width: 960, height: 720 } };

async function save({ page }, name) {
  const path = `${DIRECTORY}web-${name}.png`;
  await screenshot(page, { path });
  execFileSync('pngquant', ['--quality=70-95', '--speed', '1', '--strip', '--force', '--output', path, path]);
}

// Shows the demonstration key on the setup page, instead of the account's key.
async function withDemoKey({ page }, act) {
  const svg = execFileSync('cargo', ['run', '--quiet', '--package', 'countersign-examples', '--example', 'otp', '--', 'qr', '--svg', URI], { encoding: 'utf8' });
  await page.route('**/two-factor/setup/*', async (route) => {
    const response = await route.fetch();
    const body = (await response.text())
      .replace(/<svg xmlns[^]*?<\/svg>/, svg.slice(svg.indexOf('<svg')))
      .replace(/(class="cs-key">.*?<\/span>)[^<]*/, `$1${KEY}`);
    await route.fulfill({ response, body });
  });
  await act();
  await page.unroute('**/two-factor/setup/*');
}

const user = await User.open(browser, service, options);
await user.signUp(EMAIL, PASSWORD);
await withDemoKey(user, async () => {
  await user.press('Enable 2FA');
  await user.page.locator('.cs-key').waitFor();
  // The route does not apply to the redirect of a form, but it applies to a reload.
  await user.page.reload();
  assert.ok((await user.page.locator('.cs-key').textContent()).endsWith(KEY));
  await save(user, 'setup');
});
await user.page.goto('/account');
await enable(user);
const codes = await generate(user);
await save(user, 'backup-codes');
await user.press('I have saved these');

const narrow = { viewport: { width: 360, height: 560 }, colorScheme: 'dark' };
const phone = await User.open(browser, service, narrow);
await phone.givePassword(EMAIL, PASSWORD);
await phone.page.getByText('Lost your phone?').waitFor();
await save(phone, 'code');
await phone.giveCode(codes[1]);
await phone.page.waitForURL('/account');
await user.page.goto('/account');
await save(user, 'account');

await Promise.all([browser.close(), service.stop()]);
