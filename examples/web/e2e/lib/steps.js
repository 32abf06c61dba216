// What most tests begin with.
import { Phone } from './phone.js';

export const PASSWORD = 'correct horse battery';
let people = 0;

export function someone() {
  people += 1;
  return `person${people}@example.com`;
}

// Enables 2FA, and gives the phone.
export async function enable(person) {
  await person.press('Enable 2FA');
  const phone = await Phone.scan(person.service, person.page);
  await confirm(person, phone.code());
  await person.page.waitForURL('/two-factor/backup-codes');
  return phone;
}

export async function confirm(person, code, button = 'Enable 2FA') {
  await person.page.getByLabel('Enter the 6-digit code').fill(code);
  await person.press(button);
}

// Generates backup codes, and gives them as they are shown.
export async function generate(person) {
  await person.page.goto('/two-factor/backup-codes');
  await person.page.getByLabel('Your password').fill(PASSWORD);
  await person.press('Generate backup codes');
  return person.page.locator('.codes li span:last-child').allTextContents();
}
