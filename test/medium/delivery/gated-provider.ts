import { ApplicationRepository } from '../../../src/applications/application.repository.js';
import { ProviderStatusRepository } from '../../../src/applications/provider-status.repository.js';
import { Clock } from '../../../src/common/clock.js';
import { DatabaseWatch } from '../../../src/database/database-watch.js';
import { Vault } from '../../../src/common/vault.js';
import { ConsequencesService } from '../../../src/delivery/deliver/consequences.service.js';
import { DeliverService } from '../../../src/delivery/deliver/deliver.service.js';
import { DeliveryQueue } from '../../../src/delivery/delivery.queue.js';
import { Recall } from '../../../src/delivery/deliver/recall.js';
import { ReceiptTokens } from '../../../src/delivery/deliver/receipt-tokens.js';
import { RecipientsService } from '../../../src/delivery/deliver/recipients.service.js';
import { Senders } from '../../../src/delivery/deliver/senders.js';
import { ReceiptKeys } from '../../../src/applications/receipt-keys.js';
import { SharedTokenRepository } from '../../../src/applications/shared-token.repository.js';
import { StatusReporter } from '../../../src/delivery/deliver/status-reporter.js';
import { ValuesRepository } from '../../../src/delivery/deliver/values.repository.js';
import { DeviceRepository } from '../../../src/devices/device.repository.js';
import { NOT_SENT } from '../../../src/providers/shared/fan-out.js';
import type { Provider, Recipient, Sender, Verdict } from '../../../src/providers/provider.js';
import type { Providers } from '../../../src/providers/providers.module.js';
import type { Queues } from '../../../src/queue/queue.js';
import type { Room } from './room.js';

/** A provider in place of the sandbox that writes and answers when a test says so. */
export class GatedProvider implements Provider {
  readonly name = 'sandbox';
  readonly maxBytes = 4096;
  readonly parseSettings = null;
  readonly identify = (identity: string) => ({ identity });
  /** Tokens in the order of writing. */
  readonly written: string[] = [];
  /** Writes before the rest waits for `openGate`. */
  writesBeforeGate = Infinity;
  verdict: Verdict = { action: 'accept' };
  /** Called after each answer. */
  answered: () => void = () => undefined;
  /** `send` rejects with this after the writes and `answersBeforeFault` answers. */
  fault: Error | undefined;
  answersBeforeFault = 0;
  /** Of the current or last send. */
  signal: AbortSignal | undefined;
  waiting = false;
  private opened: () => void = () => undefined;

  /** Continues waiting deliveries, which are written unless the send was aborted. */
  openGate(): void {
    this.writesBeforeGate = Infinity;
    this.opened();
  }

  measure(): number {
    return 0;
  }

  render(): string[] {
    return [];
  }

  open(): Sender {
    return {
      send: (_notification, recipients, report, signal) => this.send(recipients, report, signal),
      stats: () => ({ connections: 0, streams: 0, inFlight: 0 }),
      close: () => Promise.resolve(),
    };
  }

  private async send(
    recipients: readonly Recipient[],
    report: (index: number, verdict: Verdict) => void,
    signal: AbortSignal,
  ): Promise<void> {
    this.signal = signal;
    const answers: number[] = [];
    for (const [index, { token }] of recipients.entries()) {
      await this.passGate(answers.length);
      if (signal.aborted) {
        report(index, NOT_SENT);
        continue;
      }
      this.written.push(token);
      answers.push(index);
    }
    await this.passGate(answers.length);
    for (const [count, index] of answers.entries()) {
      if (this.fault && count >= this.answersBeforeFault) throw this.fault;
      report(index, this.verdict);
      this.answered();
    }
  }

  private async passGate(writes: number): Promise<void> {
    if (writes < this.writesBeforeGate) return;
    this.waiting = true;
    await new Promise<void>((resolve) => (this.opened = resolve));
    this.waiting = false;
  }
}

/** A worker on the room's database that sends through the provider. */
export function newWorker(
  room: Room,
  queues: Queues,
  provider: GatedProvider,
  watch: DatabaseWatch = new DatabaseWatch(room.database),
): DeliverService {
  const clock = new Clock();
  const devices = new DeviceRepository(room.database);
  const providers = { sandbox: provider } as unknown as Providers;
  const vault = new Vault(Buffer.alloc(32));
  const status = new StatusReporter(new ProviderStatusRepository(room.database), clock);
  return new DeliverService(
    room.claims,
    room.urgent,
    room.batches,
    new RecipientsService(devices, new ValuesRepository(room.database)),
    new ReceiptTokens(providers, new ReceiptKeys(new ApplicationRepository(room.database), vault)),
    new ConsequencesService(devices, room.settings, room.batches, room.pace, status, clock),
    new Senders(providers, room.settings, new SharedTokenRepository(room.database, vault), clock),
    new DeliveryQueue(queues),
    status,
    new Recall(room.batches),
    watch,
    clock,
  );
}
