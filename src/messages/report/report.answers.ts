import { toDeviceReceipts } from '../receipts/receipt-kinds.js';
import type { DeviceDelivery, DeviceMessage } from './delivery-report.repository.js';
import type { WaitingFor } from './waiting-for.js';
import type {
  DeliveryAnswer,
  DeviceMessageAnswer,
  FullMessageAnswer,
  MessageAnswer,
  WaitAnswer,
} from './message.answers.js';
import type { FullReport, MessageReport, RelayReport } from './report.js';

/** Answers of the report routes, pure. */

type AnyWait = Partial<Record<'act' | 'by' | 'provider' | 'reason', string | null>> &
  Partial<Record<'since' | 'until' | 'nextTryAt', Date | null>> & { perSecond?: number };

export function toMessageAnswer(report: MessageReport): MessageAnswer {
  return {
    messageId: report.id,
    alert: report.alert,
    ...(report.label !== null && { label: report.label }),
    ...(report.testOf !== null && { testOf: report.testOf }),
    ...(report.approvedBy !== null && { approvedBy: report.approvedBy }),
    state: report.state,
    audience: report.audience,
    outcomes: report.outcomes,
    acceptedTime: report.acceptedAt.toISOString(),
    ...(report.sendAt && { sendTime: report.sendAt.toISOString() }),
    expiresTime: report.expiresAt.toISOString(),
    ...(report.finishedAt && { finishedTime: report.finishedAt.toISOString() }),
    ...(report.resendOf !== null && { resendOf: report.resendOf }),
    clientId: report.clientId,
    ...(report.campaign && { campaignId: report.campaign.id, runId: report.campaign.runId }),
  };
}

export function toFullMessageAnswer(report: FullReport): FullMessageAnswer {
  return Object.assign(toMessageAnswer(report), {
    providers: report.providers,
    ...(report.firstAt && { firstTime: report.firstAt.toISOString() }),
    ...(report.lastAt && { lastTime: report.lastAt.toISOString() }),
    ...(report.rate !== null && { rate: Number(report.rate.toPrecision(3)) }),
    ...(report.endsAt && { etaTime: report.endsAt.toISOString() }),
    ...(report.waitingFor && { waitingFor: toWaitAnswer(report.waitingFor) }),
    ...(report.upstream && { upstream: toRelayAnswer(report.upstream) }),
    ...(report.resends.length > 0 && { resends: report.resends }),
    ...(report.receipts && { receipts: report.receipts }),
  });
}

function toWaitAnswer({ kind, ...wait }: WaitingFor): WaitAnswer {
  const { act, by, provider, reason, perSecond, since, until, nextTryAt }: AnyWait = wait;
  return {
    kind,
    ...(act && { act }),
    ...(by && { by }),
    ...(provider && { provider }),
    ...(reason && { reason }),
    ...(perSecond && { perSecond: Number(perSecond.toPrecision(3)) }),
    ...(since && { sinceTime: since.toISOString() }),
    ...(until && { untilTime: until.toISOString() }),
    ...(nextTryAt && { nextTryTime: nextTryAt.toISOString() }),
  };
}

function toRelayAnswer({ outcome, messageId, reason }: RelayReport): FullMessageAnswer['upstream'] {
  return { outcome, ...(messageId !== null && { messageId }), ...(reason !== null && { reason }) };
}

export function toDeliveryAnswer({ device, retryAt, ...delivery }: DeviceDelivery): DeliveryAnswer {
  return {
    deviceId: device?.deviceId ?? null,
    ...(device && device.userId !== null && { userId: device.userId }),
    ...(device && { platform: device.platform }),
    ...delivery,
    ...(retryAt && { retryTime: retryAt.toISOString() }),
  };
}

export function toDeviceMessageAnswer(message: DeviceMessage): DeviceMessageAnswer {
  const { messageId, alert, label, acceptedAt, provider, outcome, reason, attempts, retryAt, receipts } = message;
  return {
    messageId,
    alert,
    ...(label !== null && { label }),
    acceptedTime: acceptedAt.toISOString(),
    provider,
    outcome,
    ...(reason !== undefined && { reason }),
    attempts,
    ...(retryAt && { retryTime: retryAt.toISOString() }),
    ...(receipts && { receipts: toDeviceReceipts(receipts) }),
  };
}
