// The steps that most tests share.
import { after, before } from 'node:test';
import { launch, User } from './browser.js';
import { Phone } from './phone.js';
import { Service } from './service.js';

export const PASSWORD = 'correct horse battery';
let users = 0;

// Starts a service and a browser for the tests of a file, and stops them at the end.
export function setUp(options) {
  const shared = {};
  before(async () => {
    [shared.service, shared.browser] = await Promise.all([Service.start(options), launch()]);
  });
  after(() => Promise.all([shared.browser?.close(), shared.service?.stop()]));
  return shared;
}

export function newEmail() {
  users += 1;
  return `user${users}@example.com`;
}

// A user who has just signed up.
export async function signedUp({ browser, service }, options) {
  const user = await User.open(browser, service, options);
  user.email = newEmail();
  await user.signUp(user.email, PASSWORD);
  return user;
}

// A user who has just signed up and enabled 2FA, with the phone.
export async function enrolled(shared, options) {
  const user = await signedUp(shared, options);
  return { email: user.email, user, phone: await enable(user) };
}

// Another browser of this user, which shows the code page.
export async function atCodePage({ browser, service }, email, options) {
  const user = await User.open(browser, service, options);
  await user.givePassword(email, PASSWORD);
  await user.page.waitForURL('/two-factor/code');
  return user;
}

// Enables 2FA, and returns the phone.
export async function enable(user) {
  await user.press('Enable 2FA');
  const phone = await Phone.scan(user.service, user.page);
  await confirm(user, phone.code());
  await user.page.waitForURL('/two-factor/backup-codes');
  return phone;
}

export async function confirm(user, code, button = 'Enable 2FA') {
  await user.page.getByLabel('Enter the 6-digit code').fill(code);
  await user.press(button);
}

// Proves a change with the password if the page asks for it, and continues.
export async function giveOwnPassword(user, button = 'Continue') {
  const field = user.page.getByLabel('Your password');
  if (await field.count() > 0) await field.fill(PASSWORD);
  await user.press(button);
}

// Generates backup codes, and returns them as they are shown.
export async function generate(user) {
  await user.page.goto('/two-factor/backup-codes');
  await giveOwnPassword(user, 'Generate backup codes');
  return user.page.locator('.cs-codes li span:last-child').allTextContents();
}
