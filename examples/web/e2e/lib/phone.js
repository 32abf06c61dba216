// A phone made of other software: zbarimg is the camera, and oathtool is the app.
import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { screenshot } from './browser.js';

const STEP = 30;

export class Phone {
  constructor(service, keyUri) {
    this.service = service;
    this.uri = new URL(keyUri);
    this.key = this.uri.searchParams.get('secret');
  }

  // Reads the QR code from a screenshot of the page.
  static async scan(service, page) {
    const file = join(service.directory, 'qr.png');
    writeFileSync(file, await screenshot(page, { fullPage: true }));
    return new Phone(service, execFileSync('zbarimg', ['-q', '--raw', '--nodbus', file], { encoding: 'utf8' }).trim());
  }

  code() {
    const now = `@${this.service.now()}`;
    return execFileSync('oathtool', ['--totp', '--base32', `--now=${now}`, this.key], { encoding: 'utf8' }).trim();
  }

  // The passcode of the next time step.
  next() {
    this.service.advance(STEP);
    return this.code();
  }

  // A passcode of neither the current nor an earlier time step. A code that is sent again counts only once.
  wrong(number = 1) {
    return String((Number(this.code()) + number) % 1_000_000).padStart(6, '0');
  }
}
