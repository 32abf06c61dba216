// The service under test: one process with its own database and clock. With DATABASE=postgres it starts a temporary
// PostgreSQL; otherwise it uses a file.
import { spawn } from 'node:child_process';
import { mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const TIMEOUT = 30_000;

export class Service {
  static async start({ operator } = {}) {
    const directory = mkdtempSync(join(tmpdir(), 'countersign-web-'));
    const service = new Service(directory, 'examples/test_server', [
      '--database', process.env.DATABASE || `sqlite:${join(directory, 'web.db')}`, '--clock', join(directory, 'clock'),
      ...(operator ? ['--operator', operator] : []),
    ]);
    service.origin = await service.until(/^(http:\S+)$/m);
    return service;
  }

  // The program itself, with the system clock.
  static async startProgram() {
    const directory = mkdtempSync(join(tmpdir(), 'countersign-web-'));
    const service = new Service(directory, 'countersign-web', [
      '--listen', '127.0.0.1:0', '--database', `sqlite:${join(directory, 'web.db')}`, '--key', join(directory, 'key'),
    ]);
    service.origin = await service.until(/open (http:\S+) /);
    return service;
  }

  constructor(directory, program, args) {
    this.directory = directory;
    this.text = '';
    this.time = Math.floor(Date.now() / 1000);
    this.advance(0);
    this.process = spawn(join(process.env.TARGET, 'debug', program), args, { stdio: ['ignore', 'pipe', 'pipe'] });
    // Stops the service too if a test fails before `stop`.
    process.once('exit', () => this.process.kill());
    for (const stream of [this.process.stdout, this.process.stderr]) {
      stream.on('data', (data) => { this.text += data; });
    }
  }

  // The time of the service. It stands still, so that no wait and no session ends while the tests are slow.
  now() {
    return this.time;
  }

  advance(seconds) {
    this.time += seconds;
    const file = join(this.directory, 'clock');
    writeFileSync(`${file}.new`, String(this.time));
    renameSync(`${file}.new`, file);
  }

  // Waits until the service has printed this after position `from`, and returns the first group.
  async until(pattern, from = 0) {
    const end = Date.now() + TIMEOUT;
    for (;;) {
      const found = this.text.slice(from).match(pattern);
      if (found) return found[1];
      if (Date.now() > end) throw new Error(`not printed: ${pattern}\n${this.text}`);
      await new Promise((go) => { setTimeout(go, 20); });
    }
  }

  // Returns the link in the mail that `act` causes.
  async linkMailedBy(act) {
    const from = this.text.length;
    await act();
    return this.until(/(http:\S+\/(?:sign-up|sign-in\/link)\/\w+)/, from);
  }

  async stop() {
    const ended = new Promise((done) => { this.process.once('exit', done); });
    this.process.kill();
    await ended;
    rmSync(this.directory, { recursive: true });
  }
}
