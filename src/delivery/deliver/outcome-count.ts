import { countDeliveries, timeToProvider } from '../../common/meters.js';
import type { LeasedBatch } from '../batch.js';
import { OUTCOME, OUTCOME_NAMES } from '../outcome.js';

/** Outcomes with which a provider has answered. */
const ANSWERS = [OUTCOME.accepted, OUTCOME.rejected, OUTCOME.failed];

const LANES = { true: timeToProvider.of({ lane: 'urgent' }), false: timeToProvider.of({ lane: 'bulk' }) };

/** Counts the outcomes that were recorded since the last call. `now`: epoch ms. */
export function countOutcomes({ applicationId, provider, urgent, terms, ledger }: LeasedBatch, now: number): void {
  const news = ledger.takeNews();
  for (const [code, count] of news.entries())
    if (count > 0 && code > OUTCOME.inFlight) countDeliveries(applicationId, provider, OUTCOME_NAMES[code]!, count);
  const answered = ANSWERS.reduce((sum, code) => sum + (news[code] ?? 0), 0);
  if (answered > 0) LANES[`${urgent}`].observe(Math.max(0, now - terms.acceptedAt) / 1_000, answered);
}
