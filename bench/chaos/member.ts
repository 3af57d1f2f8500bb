import { setTimeout as delay } from 'node:timers/promises';
import { startCarillon } from '../../test/harness/carillon.js';
import type { RunningCarillon } from '../../test/harness/carillon.js';

/** An unavailable database refuses a start; a supervisor tries again. */
const START_TRIES = 60;
const TRY_AGAIN_MS = 500;

/** One process of the program under a supervisor, which starts it again after every end. */
export class Member {
  /** Ends without a kill, which no disaster explains. */
  collapses: string[] = [];
  private process: RunningCarillon | null = null;
  private killed = false;
  private starting: Promise<void> | null = null;

  constructor(
    readonly name: string,
    private readonly environment: Record<string, string>,
  ) {}

  get url(): string {
    if (!this.process) throw new Error(`${this.name} is not running`);
    return this.process.url;
  }

  /** Resolves when the process listens. */
  async start(): Promise<void> {
    if (this.process) return;
    this.starting ??= this.launch().finally(() => (this.starting = null));
    await this.starting;
  }

  /** Waits until the process listens, so that every kill hits a working process. */
  async kill(): Promise<void> {
    await this.starting;
    this.killed = true;
    await this.process?.kill();
    this.process = null;
  }

  async stop(): Promise<void> {
    await this.starting;
    this.killed = true;
    await this.process?.stop();
    this.process = null;
  }

  private async launch(): Promise<void> {
    for (let tries = 1; ; tries++) {
      try {
        const started = await startCarillon(this.environment);
        this.killed = false;
        this.process = started;
        void started.exited.then((code) => this.noticeEnd(started, code));
        return;
      } catch (error) {
        if (tries === START_TRIES) throw error;
        await delay(TRY_AGAIN_MS);
      }
    }
  }

  private noticeEnd(ended: RunningCarillon, code: number | null): void {
    if (this.killed || ended !== this.process) return;
    this.collapses.push(`${this.name} ended with ${code}: ${ended.output().slice(-2_000)}`);
    this.process = null;
    void this.start();
  }
}
