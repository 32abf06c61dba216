// A phone that is not ours: its camera is zbarimg, its app is oathtool.
import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { picture } from './browser.js';

const STEP = 30;

export class Phone {
  constructor(service, keyUri) {
    this.service = service;
    this.uri = new URL(keyUri);
    this.key = this.uri.searchParams.get('secret');
  }

  // Reads the QR code from a picture of the page.
  static async scan(service, page) {
    const file = join(service.folder, 'qr.png');
    writeFileSync(file, await picture(page));
    return new Phone(service, execFileSync('zbarimg', ['-q', '--raw', '--nodbus', file], { encoding: 'utf8' }).trim());
  }

  code() {
    const now = `@${this.service.now()}`;
    return execFileSync('oathtool', ['--totp', '--base32', `--now=${now}`, this.key], { encoding: 'utf8' }).trim();
  }

  // A code that was not shown before: a step later.
  next() {
    this.service.advance(STEP);
    return this.code();
  }

  // One that is not right now, and was not.
  wrong() {
    return String((Number(this.code()) + 1) % 1_000_000).padStart(6, '0');
  }
}
