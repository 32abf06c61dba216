// The service under test: one process, with a database and a clock of its own. With DATABASE=postgres it starts a
// throw-away PostgreSQL, else it has a file.
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const PATIENCE = 30_000;

export class Service {
  static async start({ operator } = {}) {
    const folder = mkdtempSync(join(tmpdir(), 'countersign-web-'));
    const service = new Service(folder, 'examples/staged', [
      '--database', process.env.DATABASE || `sqlite:${join(folder, 'web.db')}`, '--clock', join(folder, 'clock'),
      ...(operator ? ['--operator', operator] : []),
    ]);
    service.origin = await service.until(/^(http:\S+)$/m);
    return service;
  }

  // The program as people run it, with the clock of the machine.
  static async startProgram() {
    const folder = mkdtempSync(join(tmpdir(), 'countersign-web-'));
    const service = new Service(folder, 'countersign-web', [
      '--listen', '127.0.0.1:0', '--database', `sqlite:${join(folder, 'web.db')}`, '--key', join(folder, 'key'),
    ]);
    service.origin = await service.until(/open (http:\S+) /);
    return service;
  }

  constructor(folder, program, args) {
    this.folder = folder;
    this.text = '';
    this.shift = 0;
    this.advance(0);
    this.process = spawn(join(process.env.TARGET, 'debug', program), args, { stdio: ['ignore', 'pipe', 'pipe'] });
    // Also when a test fails before it comes to `stop`.
    process.once('exit', () => this.process.kill());
    for (const stream of [this.process.stdout, this.process.stderr]) {
      stream.on('data', (data) => { this.text += data; });
    }
  }

  // The time that the service has.
  now() {
    return Math.floor(Date.now() / 1000) + this.shift;
  }

  advance(seconds) {
    this.shift += seconds;
    writeFileSync(join(this.folder, 'clock'), String(this.shift));
  }

  // Waits until the service has printed this, after what was printed before `from`, and gives the first group.
  async until(pattern, from = 0) {
    const end = Date.now() + PATIENCE;
    for (;;) {
      const found = this.text.slice(from).match(pattern);
      if (found) return found[1];
      if (Date.now() > end) throw new Error(`not printed: ${pattern}\n${this.text}`);
      await new Promise((go) => { setTimeout(go, 20); });
    }
  }

  // The address in the mail that `act` brings about.
  async linkMailedBy(act) {
    const from = this.text.length;
    await act();
    return this.until(/(http:\S+\/sign-up\/\w+)/, from);
  }

  async stop() {
    const ended = new Promise((done) => { this.process.once('exit', done); });
    this.process.kill();
    await ended;
    rmSync(this.folder, { recursive: true });
  }
}
