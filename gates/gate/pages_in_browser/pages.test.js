// Every page in Chromium, from the files of the example `pages`: axe, widths, focus, the QR code, times and live regions.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { after, before, test } from 'node:test';

// The packages of the browser tests of examples/web.
const require = createRequire(new URL('../../../examples/web/e2e/package.json', import.meta.url));
const { chromium } = require('playwright-core');
const AXE = readFileSync(require.resolve('axe-core/axe.min.js'), 'utf8');
const RULES = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'];
const PAGES = process.env.PAGES;
const SHOTS = process.env.SHOTS ?? join(PAGES, 'shots');
const NAMES = readdirSync(PAGES).filter((name) => name.endsWith('.html')).map((name) => name.slice(0, -5));
const POLICY = "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; form-action 'self'; "
  + "base-uri 'none'; frame-ancestors 'none'";
const TYPES = { html: 'text/html; charset=utf-8', css: 'text/css', js: 'text/javascript' };

let browser;
let server;
let origin;
let posts = 0;

before(async () => {
  mkdirSync(SHOTS, { recursive: true });
  server = createServer((request, response) => {
    const path = new URL(request.url, 'http://localhost').pathname;
    if (request.method === 'POST') {
      posts += 1;
      // Long enough for a second click.
      setTimeout(() => response.writeHead(303, { location: '/en-overview.html' }).end(), 300);
      return;
    }
    if (path === '/favicon.ico') {
      response.writeHead(204).end();
      return;
    }
    try {
      const bytes = readFileSync(join(PAGES, path));
      const type = TYPES[path.split('.').pop()];
      response.writeHead(200, { 'content-type': type, 'content-security-policy': POLICY }).end(bytes);
    } catch {
      response.writeHead(404, { 'content-type': 'text/plain' }).end();
    }
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  origin = `http://127.0.0.1:${server.address().port}`;
  browser = await chromium.launch({
    executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
    args: ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-dev-shm-usage',
      '--host-resolver-rules=MAP * ~NOTFOUND , EXCLUDE 127.0.0.1'],
  });
});

after(async () => {
  await browser?.close();
  server?.close();
});

// Calls `look` with a page of its own. Any error in the console fails the test.
async function visit(name, options, look) {
  const context = await browser.newContext({ baseURL: origin, viewport: { width: 1280, height: 800 }, ...options });
  const page = await context.newPage();
  const errors = [];
  page.on('console', (message) => { if (message.type() === 'error') errors.push(message.text()); });
  page.on('pageerror', (error) => errors.push(String(error)));
  await page.goto(`/${name}.html`);
  await look(page);
  await context.close();
  assert.deepEqual(errors, [], name);
}

const shot = (page, name, options = {}) => page.screenshot({ path: join(SHOTS, `${name}.png`), ...options });

const focused = (page) => page.evaluate(() => document.activeElement.id || document.activeElement.textContent.trim());

// The focusable elements in the order of the Tab key.
async function order(page) {
  await page.evaluate(() => { document.activeElement?.blur(); });
  const found = [];
  for (let count = 0; count < 60; count += 1) {
    await page.keyboard.press('Tab');
    const [tag, name] = await page.evaluate(() => {
      const { activeElement: at } = document;
      return [at.tagName, (at.labels?.[0] ?? at).textContent.replace(/\s+/g, ' ').trim()];
    });
    if (tag === 'BODY') break;
    found.push(name);
  }
  return found;
}

// Axe looks at the English pages and at one message, with all rules in light and those about colours in dark.
test('each page fits and has no violation', async () => {
  assert.ok(NAMES.length > 100, `${NAMES.length} pages`);
  const look = async (page, name) => {
    await page.goto(`/${name}.html`);
    await page.setViewportSize({ width: 320, height: 568 });
    const wide = await page.evaluate(() => document.documentElement.scrollWidth);
    assert.ok(wide <= 320, `${name} is ${wide} px wide at 320 px`);
    if (process.env.SHOTS) await shot(page, `${name}-320`, { fullPage: true });
    await page.setViewportSize({ width: 1280, height: 800 });
    if (process.env.SHOTS) await shot(page, `${name}-1280`);
    if (!name.startsWith('en-') || (name.startsWith('en-message-') && name !== 'en-message-failed')) return;
    await page.evaluate(AXE);
    for (const colorScheme of ['light', 'dark']) {
      await page.emulateMedia({ colorScheme });
      const found = await page.evaluate(async (rules) => {
        const { violations } = await globalThis.axe.run({ runOnly: rules });
        return violations.map(({ id, nodes }) => `${id}: ${nodes.map((node) => node.html).join('; ')}`);
      }, colorScheme === 'light' ? RULES : { type: 'rule', values: ['color-contrast'] });
      if (process.env.SHOTS && colorScheme === 'dark') await shot(page, `${name}-dark`);
      assert.deepEqual(found, [], `${name}, ${colorScheme}`);
    }
  };
  // A colour that changes slowly has too little contrast on the way.
  await visit(NAMES[0], { reducedMotion: 'reduce' }, async (page) => {
    for (const name of NAMES) await look(page, name);
  });
});

test('the set-up begins with the app on a phone', async () => {
  const isMobile = { viewport: { width: 320, height: 568 }, hasTouch: true };
  for (const name of ['en-setup', 'de-setup', 'en-setup-replacement']) await visit(name, isMobile, async (page) => {
    const top = (selector) => page.locator(selector).evaluate((element) => element.getBoundingClientRect().top);
    const tops = [await top('a[href^="otpauth:"]'), await top('.cs-key'), await top('#cs-code'), await top('#cs-qr')];
    assert.deepEqual(tops, [...tops].sort((one, other) => one - other), 'app, key, code, QR code');
    assert.ok(tops[2] + 56 <= 568, `${name}: the code field ends at ${tops[2] + 56} px`);
    await page.locator('a[href="#cs-qr"]').click();
    assert.ok(await page.locator('#cs-qr').evaluate((element) => element.getBoundingClientRect().top < 300));
  });
});

test('the QR code stands at the steps on a wide screen', async () => {
  await visit('en-setup', {}, async (page) => {
    const box = (selector) => page.locator(selector).boundingBox();
    const [qr, steps] = [await box('#cs-qr'), await box('.cs-steps')];
    assert.ok(qr.x + qr.width <= steps.x && Math.abs(qr.y - steps.y) < 20);
    assert.ok(qr.y + qr.height < 800);
  });
});

test('zbarimg reads the QR code off the screen', async () => {
  const media = [
    { colorScheme: 'light' }, { colorScheme: 'dark' }, { forcedColors: 'active' },
    { forcedColors: 'active', colorScheme: 'dark' },
  ];
  for (const width of [320, 1280]) {
    for (const [index, medium] of media.entries()) {
      await visit('en-setup', { viewport: { width, height: 568 }, ...medium }, async (page) => {
        const name = `qr-${width}-${index}`;
        await page.locator('#cs-qr').screenshot({ path: join(SHOTS, `${name}.png`) });
        const link = await page.locator('a[href^="otpauth:"]').getAttribute('href');
        const read = execFileSync('zbarimg', ['-q', '--raw', '--nodbus', join(SHOTS, `${name}.png`)], { encoding: 'utf8' });
        assert.equal(read.trim(), link, name);
      });
    }
  }
});

test('the keyboard follows the steps', async () => {
  await visit('en-setup', {}, async (page) => {
    assert.equal(await focused(page), await page.evaluate(() => document.body.textContent.trim()), 'nothing has focus');
    assert.deepEqual(await order(page), [
      'Skip to content', 'Example', 'Sign out', 'Open the app', 'Copy the key', 'Enter the 6-digit code from the app',
      'Enable 2FA', 'Cancel the setup', 'No app yet?', 'What else the app may ask for',
    ]);
    await page.keyboard.press('Escape');
    assert.ok(page.url().endsWith('/en-setup.html'), 'Escape changes nothing');
  });
  await visit('en-code', {}, async (page) => {
    assert.equal(await focused(page), 'cs-code');
    assert.deepEqual((await order(page)).slice(-3), ['Sign in', 'Lost your phone?', 'Use another account']);
  });
});

test('an error is in the title and at its field', async () => {
  const cases = [['code-wrong', 'cs-code'], ['codes-wrong', 'cs-code-1'], ['setup-wrong', 'cs-code'],
    ['prove-wrong-name', 'cs-name'], ['prove-wrong-password', 'cs-password'], ['prove-wrong-code', 'cs-code']];
  await visit('de-code-wrong', {}, async (page) => assert.ok((await page.title()).startsWith('Fehler: Code eingeben')));
  await visit('en-code', {}, async (page) => {
    assert.ok((await page.title()).startsWith('Enter your code'));
    for (const [name, id] of cases) {
      await page.goto(`/en-${name}.html`);
      assert.ok((await page.title()).startsWith('Error: '), name);
      assert.equal(await focused(page), id, name);
      const field = page.locator(`#${id}`);
      assert.equal(await field.getAttribute('aria-invalid'), 'true');
      assert.ok((await field.getAttribute('aria-describedby')).split(' ').includes('cs-problem'));
      assert.equal(await page.locator('[aria-invalid]').count(), 1);
      assert.ok((await page.locator('#cs-problem').textContent()).length > 10);
    }
  });
  await visit('en-prove-wrong-name', {}, async (page) => {
    assert.equal(await page.locator('#cs-name').inputValue(), 'A "name" <typed>');
  });
});

test('a wait says its start and its end, and no second', async () => {
  const context = await browser.newContext({ baseURL: origin });
  const page = await context.newPage();
  // Time passes by `runFor` only, however slow the computer is.
  await page.clock.install({ time: 0 });
  await page.clock.pauseAt(1000);
  await page.addInitScript(() => {
    globalThis.said = [];
    addEventListener('DOMContentLoaded', () => {
      const region = document.querySelector('[role="status"]');
      new MutationObserver(() => { if (region.textContent) globalThis.said.push(region.textContent); })
        .observe(region, { childList: true, characterData: true, subtree: true });
    });
  });
  await page.goto('/en-code-wait.html');
  const clock = page.locator('.cs-clock');
  assert.equal(await clock.getAttribute('aria-live'), 'off');
  assert.equal(await page.locator('[role="status"] .cs-clock, [role="alert"] .cs-clock').count(), 0);
  await page.clock.runFor(31_000);
  assert.match(await clock.textContent(), /1:59|2:00/);
  await page.clock.runFor(130_000);
  assert.deepEqual(await page.evaluate(() => globalThis.said), [
    'Too many wrong codes. You can try again in 3 minutes.', 'You can enter a code now.',
  ]);
  assert.equal(await clock.isVisible(), false);
  assert.ok(await page.getByRole('link', { name: 'Try again' }).isVisible());
  assert.equal(await page.getByText('Wait until you can enter a code again').count(), 1);
  await context.close();
});

test('times are local with a script, and UTC without', async () => {
  const options = { timezoneId: 'Asia/Tokyo' };
  await visit('en-setup', options, async (page) => {
    assert.match(await page.locator('#cs-ends').textContent(), /within 10 minutes, by (17:10|5:10\sPM)\.$/);
  });
  await visit('de-setup', options, async (page) => {
    assert.match(await page.locator('#cs-ends').textContent(), /innerhalb von 10 Minuten, bis 17:10\.$/);
  });
  await visit('de-overview', options, async (page) => {
    assert.match(await page.locator('time').nth(1).textContent(), /^15\. Januar 2027.* 17:00$/);
  });
  await visit('en-overview', { ...options, locale: 'en-GB' }, async (page) => {
    assert.match(await page.locator('time').nth(1).textContent(), /^15 January 2027.* 17:00$/);
  });
  await visit('en-setup', { ...options, javaScriptEnabled: false }, async (page) => {
    assert.match(await page.locator('#cs-ends').textContent(), /, by 08:10 UTC\.$/);
  });
});

test('links to change an authenticator say its name', async () => {
  const links = {
    en: [['Remove Pixel 12', 'Remove'], ['Move to a new phone from Pixel 12', 'Move to a new phone']],
    de: [['Pixel 12 entfernen', 'Entfernen'], ['Von Pixel 12 auf ein neues Telefon umziehen', 'Auf ein neues Telefon umziehen']],
  };
  for (const [language, names] of Object.entries(links)) {
    await visit(`${language}-overview`, {}, async (page) => {
      for (const [name, visible] of names) {
        const link = page.getByRole('link', { name, exact: true });
        assert.equal(await link.textContent(), visible);
        // Speech input finds a link by what it shows.
        assert.ok(name.toLowerCase().includes(visible.toLowerCase()));
      }
    });
  }
});

test('copying is said, and so is a failure', async () => {
  const permissions = ['clipboard-read', 'clipboard-write'];
  for (const [name, button] of [['en-setup', 'Copy the key'], ['en-backup-codes', 'Copy']]) {
    await visit(name, { permissions }, async (page) => {
      await page.getByRole('button', { name: button, exact: true }).click();
      await page.getByRole('status').getByText('Copied', { exact: true }).waitFor();
      const copied = await page.evaluate(() => navigator.clipboard.readText());
      assert.ok(copied.length > 30);
    });
    const without = () => Object.defineProperty(navigator, 'clipboard', { value: undefined });
    const refusing = () => { navigator.clipboard.writeText = () => Promise.reject(new Error('refused')); };
    for (const change of [without, refusing]) {
      await visit(name, {}, async (page) => {
        await page.evaluate(change);
        await page.getByRole('button', { name: button, exact: true }).click();
        await page.getByRole('status').getByText('does not allow copying').waitFor();
      });
    }
  }
});

test('a form is sent once, and again when the page is shown again', async () => {
  await visit('en-code', {}, async (page) => {
    posts = 0;
    await page.locator('#cs-code').fill('123456');
    await page.getByRole('button', { name: 'Sign in' }).dblclick();
    // `waitForURL` would fail if the browser dropped the answer to a first form.
    while (!page.url().endsWith('/en-overview.html')) await page.waitForTimeout(20);
    assert.equal(posts, 1);
  });
  await visit('en-code', {}, async (page) => {
    // The page stays, as one does that the browser keeps for "back".
    await page.evaluate(() => addEventListener('submit', (event) => event.preventDefault()));
    await page.locator('#cs-code').fill('123456');
    await page.keyboard.press('Enter');
    await page.locator('button[data-cs-once]:disabled').waitFor();
    await page.evaluate(() => dispatchEvent(new Event('pageshow')));
    assert.equal(await page.locator('button[data-cs-once]').isEnabled(), true);
  });
});

test('pages are complete without a script', async () => {
  await visit('en-code', { javaScriptEnabled: false }, async (page) => {
    await page.locator('#cs-code').fill('123456');
    await page.getByRole('button', { name: 'Sign in' }).click();
    await page.waitForURL('**/en-overview.html');
  });
  for (const name of ['en-backup-codes', 'en-setup']) {
    await visit(name, { javaScriptEnabled: false }, async (page) => {
      await shot(page, `${name}-no-script`, { fullPage: true });
      assert.equal(await page.locator('[data-cs-copy]:visible, [data-cs-print]:visible').count(), 0);
    });
  }
});

test('backup codes print on one sheet without buttons', async () => {
  await visit('de-backup-codes-long', {}, async (page) => {
    await page.emulateMedia({ media: 'print' });
    await shot(page, 'backup-codes-print', { fullPage: true });
    assert.equal(await page.locator('button:visible').count(), 0);
    assert.equal(await page.locator('.cs-codes li:visible').count(), 10);
    const pdf = (await page.pdf({ format: 'A4' })).toString('latin1');
    assert.equal(pdf.match(/\/Type\s*\/Page\b/g).length, 1);
  });
});

test('large text and less motion work', async () => {
  for (const name of ['de-setup', 'de-overview', 'de-prove-remove-last']) {
    await visit(name, { viewport: { width: 640, height: 400 }, reducedMotion: 'reduce' }, async (page) => {
      await page.evaluate(() => { document.documentElement.style.fontSize = '200%'; });
      const wide = await page.evaluate(() => document.documentElement.scrollWidth);
      assert.ok(wide <= 640, `${name} is ${wide} px wide`);
      const moving = await page.evaluate(() => [...document.querySelectorAll('*')]
        .filter((element) => getComputedStyle(element).transitionDuration !== '0s').length);
      assert.equal(moving, 0);
    });
  }
});
