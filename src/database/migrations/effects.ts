/** Written by `npm run documents`, which runs each step in an empty database and reads its locks. */

/** Effects of a step on tables that were there before. */
export interface StepEffects {
  /** Tables that other transactions cannot write until the step has ended. */
  locked: readonly string[];
  /** Tables of which the step reads the rows, so that it takes longer the more there are. */
  read: readonly string[];
  /** Tables and columns that a program before the step may use in vain afterwards. */
  removed: readonly string[];
}

/** Steps without a line only add. */
export const EFFECTS: Readonly<Record<string, StepEffects>> = {
  '0002-provider-status': { locked: ['application'], read: [], removed: [] },
  '0003-clients': {
    locked: ['client', 'signing_key'],
    read: ['client', 'signing_key'],
    removed: ['client.secret_hash', 'signing_key.signs_from'],
  },
  '0005-message-control': { locked: ['device', 'message'], read: ['device', 'message'], removed: [] },
  '0006-lanes': { locked: ['batch'], read: ['batch'], removed: [] },
  '0007-pace': { locked: ['application', 'batch'], read: ['batch'], removed: [] },
  '0008-setting-version': { locked: [], read: ['provider_setting'], removed: [] },
  '0009-device-attributes': { locked: ['device'], read: [], removed: [] },
  '0010-upstream': { locked: ['message'], read: [], removed: [] },
  '0011-lists': { locked: ['device', 'subscription'], read: ['device', 'subscription'], removed: [] },
  '0012-application-removal': { locked: ['application'], read: ['application'], removed: [] },
  '0012-webhooks': { locked: ['application', 'device', 'subscription'], read: [], removed: [] },
  '0013-message-reports': { locked: ['batch', 'message'], read: ['batch', 'message'], removed: [] },
  '0014-campaigns': { locked: ['application', 'device', 'message'], read: ['device', 'message'], removed: [] },
  '0016-parked': { locked: ['batch', 'message'], read: ['batch', 'message'], removed: [] },
  '0017-token-passes': { locked: [], read: ['device'], removed: [] },
  '0019-strict-and-run-keys': { locked: ['application', 'campaign_run'], read: ['campaign_run'], removed: [] },
  '0020-provider-pause': { locked: ['provider_setting'], read: ['provider_setting'], removed: [] },
  '0022-client-limits': { locked: ['client'], read: [], removed: [] },
  '0026-application-stop': { locked: ['application'], read: [], removed: [] },
  '0027-kept-values': { locked: ['message_data'], read: ['message_data'], removed: [] },
  '0028-webhook-lots': { locked: ['webhook', 'webhook_event'], read: ['webhook_event'], removed: [] },
  '0029-signing-order': { locked: ['signing_key'], read: ['signing_key'], removed: [] },
  '0030-time': { locked: ['campaign_run'], read: [], removed: [] },
  '0031-user-removal': { locked: ['application', 'message_data'], read: ['message_data'], removed: [] },
  '0032-webhook-secret': { locked: ['webhook'], read: [], removed: [] },
  '0033-written-waits': { locked: ['batch', 'message', 'message_rate', 'pace'], read: [], removed: [] },
  '0034-batch-without-foreign-key': { locked: ['batch', 'message'], read: [], removed: [] },
  '0038-proven-rate': { locked: ['provider_status'], read: [], removed: [] },
  '0040-console-session': { locked: ['audit_event'], read: [], removed: [] },
  '0041-message-origin': { locked: ['message'], read: ['campaign_run', 'message'], removed: [] },
  '0042-process': {
    locked: ['application', 'provider_setting', 'webhook'],
    read: ['application', 'provider_setting', 'webhook'],
    removed: [],
  },
  '0043-statistics': { locked: ['batch', 'device', 'message'], read: ['message'], removed: [] },
  '0044-device-search': { locked: ['device'], read: ['device'], removed: [] },
  '0045-test-messages': { locked: ['message'], read: [], removed: [] },
  '0046-audiences': { locked: ['application'], read: [], removed: [] },
  '0047-approval': { locked: ['application', 'campaign', 'message'], read: ['campaign', 'message'], removed: [] },
  '0049-webhook-attempts': { locked: ['webhook'], read: [], removed: [] },
  '0053-session-check': { locked: ['console_session'], read: [], removed: [] },
  '0054-key-id': { locked: ['process'], read: [], removed: [] },
  '0055-audit-request': { locked: ['audit_event'], read: [], removed: [] },
  '0058-message-trace': { locked: ['message'], read: [], removed: [] },
  '0060-audit-outcome': { locked: ['audit_event'], read: [], removed: [] },
  '0061-audit-chain': { locked: ['audit_event'], read: ['audit_event'], removed: [] },
  '0064-client-keys': { locked: ['client'], read: [], removed: [] },
  '0067-webhook-ended': { locked: ['webhook'], read: [], removed: [] },
  '0068-campaign-keys': { locked: ['campaign'], read: ['campaign'], removed: [] },
  '0070-certificate-bound': { locked: ['client'], read: [], removed: [] },
  '0075-events': { locked: ['application', 'webhook', 'webhook_event', 'webhook_event_ended'], read: [], removed: [] },
  '0076-event-messages': { locked: ['batch', 'campaign_run', 'message', 'provider_setting'], read: [], removed: [] },
  '0077-event-devices': { locked: ['device', 'subscription'], read: [], removed: [] },
  '0080-receipts': { locked: ['application', 'device'], read: [], removed: [] },
  '0081-receipt-events': { locked: ['receipt'], read: [], removed: [] },
  '0084-audit-search': { locked: ['audit_event'], read: ['audit_event'], removed: [] },
  '0088-gathered-lots': { locked: ['event'], read: [], removed: [] },
  '0089-events-of-devices': {
    locked: ['event', 'webhook_event_ended'],
    read: ['event', 'webhook_event_ended'],
    removed: [],
  },
  '0097-process-clocks': { locked: ['process'], read: [], removed: [] },
};
