import { Inject, Injectable } from '@nestjs/common';
import { rootCause } from '../../common/errors.js';
import type { Database } from '../../database/database.js';
import { DATABASE } from '../../database/database.module.js';
import { inTransaction } from '../../database/transaction.js';
import type { Tx } from '../../database/transaction.js';
import { MessageRateRepository } from '../../delivery/expand/message-rate.repository.js';
import { reachKey } from '../../delivery/expand/reach.js';
import { OpenSpan } from '../../common/tracing.js';
import { AudienceRepository } from '../../devices/audience.repository.js';
import { audienceOf } from '../../messages/request/target.js';
import { AcceptanceService } from '../../messages/send/acceptance.service.js';
import { SavedAudienceRepository } from '../../messages/send/saved-audience.repository.js';
import { waveOverlap } from '../campaign.js';
import { OVERTAKEN } from '../reason.js';
import { decideOutcome } from './campaign.rules.js';
import { OverlapRepository } from './overlap.repository.js';
import { isRefused } from './refused.js';
import { WaveRepository } from './wave.repository.js';
import { isOver, overtake, settle } from './wave-outcome.js';
import type { ComposedMessage, DueWave, WaveOutcome } from './wave-outcome.js';

/** Waves of one transaction. */
const LIMIT = 50;

/** One round of firings or waves. */
export interface Round {
  /** Accepted messages, to be expanded after the commit. */
  messageSeqs: number[];
  /** More may be due. */
  more: boolean;
}

type MessageOfWave = ComposedMessage & { wave: DueWave };

/** Sends waves: a wave is locked, and its messages are accepted in the transaction that marks it as sent. */
@Injectable()
export class WaveService {
  constructor(
    @Inject(DATABASE) private readonly database: Database,
    private readonly waves: WaveRepository,
    private readonly overlaps: OverlapRepository,
    private readonly audience: AudienceRepository,
    private readonly rates: MessageRateRepository,
    private readonly acceptance: AcceptanceService,
    private readonly saved: SavedAudienceRepository,
  ) {}

  /** Sends some of the waves that are due. */
  async sendDue(now: number): Promise<Round> {
    try {
      return await inTransaction(this.database, async (tx) => {
        const waves = await this.waves.claimDue(now, LIMIT, tx);
        return { messageSeqs: await this.send(waves, now, tx), more: waves.length === LIMIT };
      });
    } catch (error) {
      if (!isRefused(error)) throw error;
      return this.sendEach(now);
    }
  }

  /** Sends the due waves of runs in the transaction that made the runs. Returns the seqs of their messages. */
  async sendOfRuns(runSeqs: readonly number[], now: number, tx: Tx): Promise<number[]> {
    if (runSeqs.length === 0) return [];
    return this.send(await this.waves.claimOfRuns(runSeqs, now, tx), now, tx);
  }

  /** A transaction for each wave: a wave that the database refuses is skipped with the reason, the others are sent. */
  private async sendEach(now: number): Promise<Round> {
    const due = await inTransaction(this.database, (tx) => this.waves.claimDue(now, LIMIT, tx));
    const messageSeqs: number[] = [];
    for (const { seq } of due)
      try {
        const made = inTransaction(this.database, async (tx) =>
          this.send(await this.waves.claimOne(seq, now, tx), now, tx),
        );
        messageSeqs.push(...(await made));
      } catch (error) {
        if (!isRefused(error)) throw error;
        await this.skip(seq, rootCause(error), now);
      }
    return { messageSeqs, more: false };
  }

  private skip(seq: number, reason: string, now: number): Promise<void> {
    return inTransaction(this.database, async (tx) => {
      const waves = await this.waves.claimOne(seq, now, tx);
      await this.waves.settle(
        waves.map((wave) => settle(wave, { do: 'skip', reason })),
        [],
        tx,
      );
    });
  }

  private async send(claimed: readonly DueWave[], now: number, tx: Tx): Promise<number[]> {
    if (claimed.length === 0) return [];
    const spans = new Map(claimed.map((wave) => [wave.seq, spanOf(wave)]));
    try {
      return await this.sendTraced(claimed, spans, now, tx);
    } finally {
      for (const span of spans.values()) span.end();
    }
  }

  private async sendTraced(
    claimed: readonly DueWave[],
    spans: ReadonlyMap<number, OpenSpan>,
    now: number,
    tx: Tx,
  ): Promise<number[]> {
    const waves = await this.withAudiences(claimed, tx);
    const { outcomes, touchedRuns } = await this.decide(waves, now, tx);
    const outcomeOf = ({ seq }: DueWave): WaveOutcome => outcomes.get(seq) ?? { do: 'empty' };
    const composed = waves.flatMap((wave) => {
      const outcome = outcomeOf(wave);
      return outcome.do === 'send' ? outcome.messages.map((each) => ({ ...each, wave })) : [];
    });
    for (const { message, wave } of composed) message.traceparent = spans.get(wave.seq)?.traceparent;
    await this.addTerms(composed, now, tx);
    const messageSeqs = await this.acceptance.acceptWithin(
      composed.map(({ message }) => message),
      tx,
    );
    const links = composed.map(({ wave, variant, language }, index) => ({
      waveSeq: wave.seq,
      messageSeq: messageSeqs[index] ?? 0,
      variant,
      language,
    }));
    await this.waves.linkMessages(links, tx);
    await this.waves.settle(
      waves.map((wave) => settle(wave, outcomeOf(wave))),
      touchedRuns,
      tx,
    );
    return messageSeqs;
  }

  /** Decides each wave, and cancels the earlier waves that it overtakes. `touchedRuns`: the runs of cancelled waves. */
  private async decide(
    waves: readonly DueWave[],
    now: number,
    tx: Tx,
  ): Promise<{ outcomes: Map<number, WaveOutcome>; touchedRuns: number[] }> {
    const zones = await this.findZones(waves, tx);
    const careful = waves.filter(({ definition, manual }) => !manual && waveOverlap(definition) !== 'allow');
    const earlier = await this.overlaps.findEarlier(
      careful.map(({ seq }) => seq),
      tx,
    );
    const outcomes = new Map<number, WaveOutcome>();
    // In order of their moments: whether a wave is busy depends on the outcomes of the earlier ones.
    for (const wave of waves) {
      const busy = (earlier.get(wave.seq) ?? []).some((seq) => !isOver(outcomes.get(seq)));
      outcomes.set(wave.seq, decideOutcome(wave, busy, zones.get(wave.applicationId) ?? [], now));
    }
    const overtaken = careful
      .filter(({ definition }) => waveOverlap(definition) === 'cancel')
      .flatMap(({ seq }) => overtake(seq, earlier.get(seq) ?? [], outcomes));
    return { outcomes, touchedRuns: await this.overlaps.cancelWaves(overtaken, OVERTAKEN, tx) };
  }

  /**
   * Reads the saved audiences that waves name, as they are now. A wave whose audience is gone is skipped with the
   * reason.
   */
  private async withAudiences(waves: readonly DueWave[], tx: Tx): Promise<DueWave[]> {
    const whole: DueWave[] = [];
    for (const wave of waves) {
      const name = audienceOf(wave.definition.target);
      const saved = name === undefined ? undefined : await this.saved.findTargets(wave.applicationId, [name], tx);
      whole.push(saved ? { ...wave, audience: saved.get(name ?? '') ?? 'gone' } : wave);
    }
    return whole;
  }

  /** By application, the time zones that its devices name. */
  private async findZones(waves: readonly DueWave[], tx: Tx): Promise<Map<string, string[]>> {
    const zones = new Map<string, string[]>();
    for (const { applicationId, plan } of waves)
      if (plan.zoned && !zones.has(applicationId))
        zones.set(applicationId, await this.audience.timeZones(applicationId, tx));
    return zones;
  }

  /**
   * Gives each message its run, its rate (one for all waves of a run, or one for each message that is spread) and its
   * reach key.
   */
  private async addTerms(composed: readonly MessageOfWave[], now: number, tx: Tx): Promise<void> {
    const rateOfRun = new Map<number, number>();
    for (const { message, wave } of composed) {
      const { ratePerSecond: perSecond, spreadSeconds, dailyCap } = wave.definition.policies ?? {};
      let rateSeq = rateOfRun.get(wave.runSeq) ?? wave.rateSeq;
      if (spreadSeconds !== undefined) rateSeq = await this.rates.add({ spreadSeconds }, tx);
      else if (perSecond !== undefined && rateSeq === null) {
        rateSeq = await this.rates.add({ perSecond }, tx);
        rateOfRun.set(wave.runSeq, rateSeq);
        await this.waves.setRate(wave.runSeq, rateSeq, tx);
      }
      const counted = wave.counted || dailyCap !== undefined;
      message.campaign = {
        campaignSeq: wave.campaignSeq,
        runSeq: wave.runSeq,
        rateSeq,
        quiet: rateSeq === null ? [] : wave.plan.quiet,
        reach: counted ? { key: reachKey(now, wave.seq), cap: dailyCap ?? null } : null,
      };
    }
  }
}

/** Each wave begins a trace, to which its messages belong. */
function spanOf({ applicationId, campaignId, runSeq, seq }: DueWave): OpenSpan {
  const of = { 'carillon.application': applicationId, 'carillon.campaign': campaignId };
  return new OpenSpan('fire campaign', null, { ...of, 'carillon.run': runSeq, 'carillon.wave': seq });
}
