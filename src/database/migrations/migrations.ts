import type { Migration } from 'kysely';
import { up as foundation } from './0001-foundation.js';
import { up as providerStatus } from './0002-provider-status.js';
import { up as clients } from './0003-clients.js';
import { up as sharedTokens } from './0004-shared-tokens.js';
import { up as messageControl } from './0005-message-control.js';
import { up as lanes } from './0006-lanes.js';
import { up as pace } from './0007-pace.js';
import { up as settingVersion } from './0008-setting-version.js';
import { up as deviceAttributes } from './0009-device-attributes.js';
import { up as upstream } from './0010-upstream.js';
import { up as lists } from './0011-lists.js';
import { up as applicationRemoval } from './0012-application-removal.js';
import { up as webhooks } from './0012-webhooks.js';
import { up as messageReports } from './0013-message-reports.js';
import { up as campaigns } from './0014-campaigns.js';
import { up as promotion } from './0015-promotion.js';
import { up as parked } from './0016-parked.js';
import { up as tokenPasses } from './0017-token-passes.js';
import { up as strictAndRunKeys } from './0019-strict-and-run-keys.js';
import { up as providerPause } from './0020-provider-pause.js';
import { up as clientLimits } from './0022-client-limits.js';
import { up as writeProbe } from './0024-write-probe.js';
import { up as applicationStop } from './0026-application-stop.js';
import { up as keptValues } from './0027-kept-values.js';
import { up as webhookLots } from './0028-webhook-lots.js';
import { up as signingOrder } from './0029-signing-order.js';
import { up as time } from './0030-time.js';
import { up as userRemoval } from './0031-user-removal.js';
import { up as webhookSecret } from './0032-webhook-secret.js';
import { up as writtenWaits } from './0033-written-waits.js';
import { up as batchWithoutForeignKey } from './0034-batch-without-foreign-key.js';
import { up as provenRate } from './0038-proven-rate.js';
import { up as consoleSession } from './0040-console-session.js';
import { up as messageOrigin } from './0041-message-origin.js';
import { up as processes } from './0042-process.js';
import { up as statistics } from './0043-statistics.js';
import { up as deviceSearch } from './0044-device-search.js';
import { up as testMessages } from './0045-test-messages.js';
import { up as audiences } from './0046-audiences.js';
import { up as approval } from './0047-approval.js';
import { up as webhookAttempts } from './0049-webhook-attempts.js';
import { up as sessionCheck } from './0053-session-check.js';
import { up as keyId } from './0054-key-id.js';
import { up as auditRequest } from './0055-audit-request.js';
import { up as metricFigures } from './0056-metric-figures.js';
import { up as messageTrace } from './0058-message-trace.js';
import { up as auditOutcome } from './0060-audit-outcome.js';
import { up as auditChain } from './0061-audit-chain.js';
import { up as auditOutbox } from './0062-audit-outbox.js';
import { up as demandedSteps } from './0063-demanded-steps.js';
import { up as clientKeys } from './0064-client-keys.js';
import { up as webhookEnded } from './0067-webhook-ended.js';
import { up as campaignKeys } from './0068-campaign-keys.js';
import { up as certificateBound } from './0070-certificate-bound.js';
import { up as events } from './0075-events.js';
import { up as eventMessages } from './0076-event-messages.js';
import { up as eventDevices } from './0077-event-devices.js';
import { up as receipts } from './0080-receipts.js';
import { up as receiptEvents } from './0081-receipt-events.js';
import { up as usedDeviceTokens } from './0082-used-device-tokens.js';
import { up as credentialEvents } from './0083-credential-events.js';
import { up as auditSearch } from './0084-audit-search.js';
import { up as gatheredLots } from './0088-gathered-lots.js';
import { up as eventsOfDevices } from './0089-events-of-devices.js';
import { up as plansOfTriggers } from './0090-plans-of-triggers.js';
import { up as processClocks } from './0097-process-clocks.js';

export interface Step extends Migration {
  /**
   * For a step that removes or narrows what programs before it use: the step that came with the first release that does
   * without. Programs that do not know it cannot work with the database from now on (CONTRIBUTING.md, A migration).
   */
  demands?: string;
}

/**
 * Append only: a released name is never changed or removed (migrations.spec.ts), because a database that has run it
 * would run it again under the new name. Two different migrations have the number 0012. A database may have run either
 * first: the migrator compares names, not their order.
 */
export const MIGRATIONS: Record<string, Step> = {
  '0001-foundation': { up: foundation },
  '0002-provider-status': { up: providerStatus },
  '0003-clients': { up: clients },
  '0004-shared-tokens': { up: sharedTokens },
  '0005-message-control': { up: messageControl },
  '0006-lanes': { up: lanes },
  '0007-pace': { up: pace },
  '0008-setting-version': { up: settingVersion },
  '0009-device-attributes': { up: deviceAttributes },
  '0010-upstream': { up: upstream },
  '0011-lists': { up: lists },
  '0012-application-removal': { up: applicationRemoval },
  '0012-webhooks': { up: webhooks },
  '0013-message-reports': { up: messageReports },
  '0014-campaigns': { up: campaigns },
  '0015-promotion': { up: promotion },
  '0016-parked': { up: parked },
  '0017-token-passes': { up: tokenPasses },
  '0019-strict-and-run-keys': { up: strictAndRunKeys },
  '0020-provider-pause': { up: providerPause },
  '0022-client-limits': { up: clientLimits },
  '0024-write-probe': { up: writeProbe },
  '0026-application-stop': { up: applicationStop },
  '0027-kept-values': { up: keptValues },
  '0028-webhook-lots': { up: webhookLots },
  '0029-signing-order': { up: signingOrder },
  '0030-time': { up: time },
  '0031-user-removal': { up: userRemoval },
  '0032-webhook-secret': { up: webhookSecret },
  '0033-written-waits': { up: writtenWaits },
  '0034-batch-without-foreign-key': { up: batchWithoutForeignKey },
  '0038-proven-rate': { up: provenRate },
  '0040-console-session': { up: consoleSession },
  '0041-message-origin': { up: messageOrigin },
  '0042-process': { up: processes },
  '0043-statistics': { up: statistics },
  '0044-device-search': { up: deviceSearch },
  '0045-test-messages': { up: testMessages },
  '0046-audiences': { up: audiences },
  '0047-approval': { up: approval },
  '0049-webhook-attempts': { up: webhookAttempts },
  '0053-session-check': { up: sessionCheck },
  '0054-key-id': { up: keyId },
  '0055-audit-request': { up: auditRequest },
  '0056-metric-figures': { up: metricFigures },
  '0058-message-trace': { up: messageTrace },
  '0060-audit-outcome': { up: auditOutcome },
  '0061-audit-chain': { up: auditChain },
  '0062-audit-outbox': { up: auditOutbox },
  '0063-demanded-steps': { up: demandedSteps },
  '0064-client-keys': { up: clientKeys },
  '0067-webhook-ended': { up: webhookEnded },
  '0068-campaign-keys': { up: campaignKeys },
  '0070-certificate-bound': { up: certificateBound },
  '0075-events': { up: events },
  '0076-event-messages': { up: eventMessages },
  '0077-event-devices': { up: eventDevices },
  '0080-receipts': { up: receipts },
  '0081-receipt-events': { up: receiptEvents },
  '0082-used-device-tokens': { up: usedDeviceTokens },
  '0083-credential-events': { up: credentialEvents },
  '0084-audit-search': { up: auditSearch },
  '0088-gathered-lots': { up: gatheredLots },
  '0089-events-of-devices': { up: eventsOfDevices },
  '0090-plans-of-triggers': { up: plansOfTriggers },
  '0097-process-clocks': { up: processClocks },
};
