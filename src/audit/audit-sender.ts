import { Inject, Injectable, Logger } from '@nestjs/common';
import type { BeforeApplicationShutdown, OnApplicationBootstrap } from '@nestjs/common';
import { SECOND_MS } from '../common/durations.js';
import { rootCause } from '../common/errors.js';
import { Outage } from '../common/outage.js';
import { Rounds } from '../common/rounds.js';
import { CONFIG } from '../common/tokens.js';
import type { Config } from '../config.js';
import { FileReceiver } from './file-receiver.js';
import { OutboxRepository } from './outbox.repository.js';
import type { Receiver } from './receiver.js';
import { SyslogReceiver } from './syslog-receiver.js';

const EVERY_MS = SECOND_MS;

/** Sends the chain of the audit to AUDIT_SYSLOG_URL or AUDIT_FILE: in order, each event at least once. */
@Injectable()
export class AuditSender implements OnApplicationBootstrap, BeforeApplicationShutdown {
  private readonly log = new Logger('Audit');
  private readonly rounds = new Rounds(this.log, 'Sending the audit', () => this.send());
  private readonly outage = new Outage(this.log, {
    begins: 'The receiver of AUDIT_SYSLOG_URL or AUDIT_FILE takes no events',
    ends: 'The receiver of AUDIT_SYSLOG_URL or AUDIT_FILE takes events again',
  });
  private readonly receiver: Receiver | null;

  constructor(
    @Inject(CONFIG) { audit: { syslog, file } }: Pick<Config, 'audit'>,
    private readonly outbox: OutboxRepository,
  ) {
    this.receiver = syslog ? new SyslogReceiver(syslog) : file ? new FileReceiver(file) : null;
  }

  async onApplicationBootstrap(): Promise<void> {
    await this.outbox.setReceiver(this.receiver?.name ?? null);
    if (this.receiver) this.rounds.every(EVERY_MS);
  }

  async send(): Promise<void> {
    const { receiver } = this;
    if (!receiver) return;
    await this.rounds.repeat(async () => {
      const events = await this.outbox.take();
      if (events.length === 0) return false;
      try {
        await receiver.deliver(events);
      } catch (error) {
        this.outage.failed(error);
        await this.outbox.noteError(rootCause(error));
        return false;
      }
      this.outage.worked();
      await this.outbox.noteSent(events.at(-1)!.seq);
      return true;
    });
  }

  beforeApplicationShutdown(): Promise<void> {
    return this.rounds.end();
  }
}
