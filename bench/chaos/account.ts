import type pg from 'pg';
import type { DeliveryDetails } from '../../src/database/tables.js';
import { OUTCOME_NAMES } from '../../src/delivery/outcome.js';
import type { OutcomeName } from '../../src/delivery/outcome.js';
import type { RunningSimulators } from '../../test/simulators/client.js';
import { APPLICATION, CROWD_PROVIDERS } from './crowd.js';
import type { Crowd } from './crowd.js';
import type { Letter } from './plan.js';

/** Compares the tables with the simulators' records, delivery by delivery. */

export interface SentLetter {
  letter: Letter;
  messageId: string;
}

export interface Account {
  audience: number;
  outcomes: Record<OutcomeName, number>;
  /** Sends recorded in the tables. */
  written: number;
  lost: number;
  repeated: number;
  /** Sent again because their worker was lost. */
  takenUp: number;
  /** Sent again after a lost or unclear answer. */
  writtenAgain: number;
  wronglyInvalidated: number;
  /** All violations, in words. */
  broken: string[];
}

interface BatchRow {
  device_seqs: number[];
  outcomes: Buffer;
  counts: number[];
  details: DeliveryDetails;
}

/** Reasons of answers which show that the message was not accepted: sending it again is no repeat. */
const REFUSALS =
  /^(TooManyRequests|InternalServerError|ServiceUnavailable|QUOTA_EXCEEDED|INTERNAL|UNAVAILABLE|HTTP (429|5\d\d).*)$/;
const WORKER_LOST = 'the worker was lost';

export async function drawAccount(
  pool: pg.Pool,
  simulators: RunningSimulators,
  crowd: Crowd,
  sent: readonly SentLetter[],
): Promise<Account> {
  const account = new Accountant(crowd);
  await account.readDevices(pool);
  for (const { letter, messageId } of sent) {
    const arrivals = new Map<string, number>();
    for (const provider of CROWD_PROVIDERS)
      for (const { token, count } of await simulators.admin.ledgerTokens(provider, messageId))
        arrivals.set(token, count);
    const { rows } = await pool.query<{ state: string; audience: number }>(
      'select state, audience from message where application_id = $1 and id = $2',
      [APPLICATION, messageId],
    );
    const { rows: batches } = await pool.query<BatchRow>(
      `select device_seqs, outcomes, counts, details from batch
       where message_seq = (select seq from message where application_id = $1 and id = $2)`,
      [APPLICATION, messageId],
    );
    account.readMessage(letter, rows[0], batches, arrivals);
  }
  return account.result;
}

class Accountant {
  readonly result: Account = {
    audience: 0,
    outcomes: Object.fromEntries(OUTCOME_NAMES.map((name) => [name, 0])) as Record<OutcomeName, number>,
    written: 0,
    lost: 0,
    repeated: 0,
    takenUp: 0,
    writtenAgain: 0,
    wronglyInvalidated: 0,
    broken: [],
  };
  private readonly addresses = new Map<number, string>();
  private readonly complaints = new Map<string, number>();

  constructor(private readonly crowd: Crowd) {}

  async readDevices(pool: pg.Pool): Promise<void> {
    const byDevice = new Map(this.crowd.members.map((member) => [member.deviceId, member.address]));
    const { rows } = await pool.query<{ seq: string; device_id: string; retired_reason: string | null }>(
      'select seq, device_id, retired_reason from device where application_id = $1',
      [APPLICATION],
    );
    for (const { seq, device_id: deviceId, retired_reason: retired } of rows) {
      const address = byDevice.get(deviceId) ?? '';
      this.addresses.set(Number(seq), address);
      if (retired !== null && !this.crowd.dead.has(address)) this.result.wronglyInvalidated++;
    }
    this.expect(rows.length === this.crowd.members.length, 'devices are gone');
    this.expect(this.result.wronglyInvalidated === 0, 'devices were invalidated that are alive');
  }

  readMessage(
    letter: Letter,
    message: { state: string; audience: number } | undefined,
    batches: readonly BatchRow[],
    arrivals: ReadonlyMap<string, number>,
  ): void {
    const { result } = this;
    const about = (words: string): string => `${letter.name}: ${words}`;
    if (!message) {
      result.lost += letter.size;
      return this.complain(about('accepted with 202 and not kept'));
    }
    const settled = ['finished', 'expired', 'cancelled'].includes(message.state);
    this.expect(settled, about(`never ended, still ${message.state}`));
    const seen = new Set<string>();
    for (const { device_seqs: seqs, outcomes, counts, details } of batches) {
      const recount = OUTCOME_NAMES.map(() => 0);
      for (const [position, seq] of seqs.entries()) {
        const code = outcomes[position] ?? 0;
        recount[code] = (recount[code] ?? 0) + 1;
        const address = this.addresses.get(seq) ?? '';
        this.expect(!seen.has(address), about('a device is in it twice'));
        seen.add(address);
        const outcome = OUTCOME_NAMES[code] ?? 'pending';
        this.readDelivery(letter.name, outcome, details[position], address, arrivals.get(address) ?? 0);
      }
      this.expect(recount.join() === counts.join(), about('counts are not those of its outcomes'));
    }
    result.audience += message.audience;
    this.expect(seen.size === message.audience, about('the batches are not its audience'));
    for (const address of arrivals.keys()) this.expect(seen.has(address), about('received by a device outside of it'));
    if (letter.cancel) return;
    for (const [position, { address }] of this.crowd.members.entries()) {
      // An invalid device may have been retired before the expansion.
      if (!letter.audience(position) || seen.has(address) || this.crowd.dead.has(address)) continue;
      result.lost++;
      this.complain(about('a device of its audience is in no batch'));
    }
  }

  private readDelivery(
    name: string,
    outcome: OutcomeName,
    detail: DeliveryDetails[string] | undefined,
    address: string,
    arrived: number,
  ): void {
    const { result } = this;
    result.outcomes[outcome]++;
    const wasWritten = outcome === 'accepted' || arrived > 0;
    const attempts = detail?.attempts ?? (wasWritten ? 1 : 0);
    result.written += attempts;
    if (attempts === 2 && detail?.reason === WORKER_LOST) result.takenUp++;
    else if (attempts > 1) result.writtenAgain += ambiguousAmong(attempts, detail?.reason);
    if (arrived > 1) result.repeated += arrived - 1;
    if (outcome === 'accepted' && arrived === 0) this.lose(`${name}: called accepted, received by nobody`);
    if (outcome === 'pending' || outcome === 'inFlight') this.lose(`${name}: ${outcome} at the end`);
    this.expect(arrived <= attempts, `${name}: received more often than it was written`);
    const denied = outcome !== 'accepted' && outcome !== 'unknown';
    this.expect(!denied || arrived === 0 || attempts > 1, `${name}: received, and called ${outcome}`);
    this.expect(
      outcome !== 'rejected' || this.crowd.dead.has(address),
      `${name}: rejected, though the device is alive`,
    );
    this.expect(outcome !== 'failed', `${name}: failed, which no provider asked for (${detail?.reason ?? ''})`);
  }

  private lose(words: string): void {
    this.result.lost++;
    this.complain(words);
  }

  private expect(holds: boolean, words: string): void {
    if (!holds) this.complain(words);
  }

  /** Reports the first of similar violations and counts the others. */
  private complain(words: string): void {
    const times = (this.complaints.get(words) ?? 0) + 1;
    this.complaints.set(words, times);
    this.result.broken = [...this.complaints].map(([text, count]) => (count > 1 ? `${text} (${count} times)` : text));
  }
}

/** Only the last failure's reason is stored: of several, all count as unclear. */
function ambiguousAmong(attempts: number, reason = ''): number {
  return attempts === 2 && REFUSALS.test(reason) ? 0 : attempts - 1;
}
