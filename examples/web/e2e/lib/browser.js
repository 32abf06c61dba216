import assert from 'node:assert/strict';
import { chromium } from 'playwright-core';

const CHROMIUM = process.env.CHROMIUM ?? '/usr/bin/chromium';

export function launch() {
  return chromium.launch({
    executablePath: CHROMIUM,
    args: [
      '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-dev-shm-usage',
      // No connection to other computers.
      '--host-resolver-rules=MAP * ~NOTFOUND , EXCLUDE 127.0.0.1',
    ],
  });
}

// Takes a screenshot. On a busy computer Chromium fails at times, so this tries again.
export async function screenshot(page, options = {}, tries = 20) {
  try {
    return await page.screenshot({ animations: 'disabled', ...options });
  } catch (error) {
    if (tries === 1 || !String(error).includes('Unable to capture screenshot')) throw error;
    await page.waitForTimeout(100);
    return screenshot(page, options, tries - 1);
  }
}

// A user at a browser. Every error in the console fails the test, except for the statuses that the test expects.
export class User {
  static async open(browser, service, options = {}) {
    const context = await browser.newContext({ baseURL: service.origin, acceptDownloads: true, ...options });
    context.setDefaultTimeout(15_000);
    return new User(service, context, await context.newPage());
  }

  constructor(service, context, page) {
    this.service = service;
    this.context = context;
    this.page = page;
    this.errors = [];
    this.expected = [];
    this.watch(page);
  }

  watch(page) {
    page.on('console', (message) => {
      if (message.type() !== 'error') return;
      const text = message.text();
      if (!this.expected.some((status) => text.includes(`status of ${status}`))) this.errors.push(text);
    });
    page.on('pageerror', (error) => this.errors.push(String(error)));
  }

  async newTab() {
    const page = await this.context.newPage();
    this.watch(page);
    return page;
  }

  async close() {
    await this.context.close();
    assert.deepEqual(this.errors, [], 'errors in the console');
  }

  at(path) {
    assert.equal(new URL(this.page.url()).pathname, path);
  }

  // Waits for a page after two submissions of one form. `waitForURL` would fail when the browser drops the first answer.
  async arrivesAt(path) {
    while (new URL(this.page.url()).pathname !== path) await this.page.waitForTimeout(20);
  }

  async sees(text) {
    await this.page.getByText(text).first().waitFor();
  }

  field(name) {
    return this.page.getByRole('textbox', { name, exact: true });
  }

  press(name) {
    return this.page.getByRole('button', { name, exact: true }).click();
  }

  follow(name) {
    return this.page.getByRole('link', { name }).first().click();
  }

  async signUp(email, password) {
    const link = await this.service.linkMailedBy(async () => {
      await this.page.goto('/sign-up');
      await this.field('Email address').fill(email);
      await this.press('Continue');
    });
    await this.page.goto(link);
    await this.page.getByLabel('Password').fill(password);
    await this.press('Create the account');
    await this.page.waitForURL('/account');
  }

  async givePassword(email, password) {
    await this.page.goto('/sign-in');
    await this.field('Email address').fill(email);
    await this.page.getByLabel('Password').fill(password);
    await this.press('Sign in');
  }

  async giveCode(code, button = 'Sign in') {
    await this.page.getByLabel('Code', { exact: true }).fill(code);
    await this.press(button);
  }

  async signOut() {
    await this.press('Sign out');
    await this.page.waitForURL(/\/sign-in/);
  }
}
