import type { DeviceDelivery, DeviceMessage } from './delivery-report.repository.js';
import type { OutcomeName } from '../../delivery/outcome.js';
import type { FullReport, MessageReport, Outcomes, RelayReport } from './report.js';

/** What the routes of reports answer, pure. Times are ISO 8601; what is not there is left out. */

export interface MessageAnswer {
  messageId: string;
  alert: string;
  label?: string;
  state: string;
  audience: number;
  outcomes: Outcomes;
  acceptedTime: string;
  sendTime?: string;
  expiresTime: string;
  finishedTime?: string;
  /** The message that this one repeats some deliveries of. */
  resendOf?: string;
  /** The client that sent it, or made its campaign. */
  clientId: string;
}

export interface FullMessageAnswer extends MessageAnswer {
  providers: Record<string, Outcomes>;
  firstTime?: string;
  lastTime?: string;
  /** Deliveries settled a second. */
  rate?: number;
  /** When it will have ended at that rate. */
  etaTime?: string;
  /** The request to the upstream, when the message or a part of it is relayed: one of the audience's deliveries. */
  upstream?: { outcome: OutcomeName; messageId?: string; reason?: string };
  /** The messages that repeat some of this one. */
  resends?: string[];
}

export interface DeliveryAnswer {
  /** Null when the device is not registered any more. */
  deviceId: string | null;
  userId?: string;
  platform?: string;
  provider: string;
  outcome: string;
  reason?: string;
  attempts: number;
  retryTime?: string;
}

export interface DeviceMessageAnswer {
  messageId: string;
  alert: string;
  label?: string;
  acceptedTime: string;
  provider: string;
  outcome: string;
  reason?: string;
  attempts: number;
  retryTime?: string;
}

export function toMessageAnswer(report: MessageReport): MessageAnswer {
  return {
    messageId: report.id,
    alert: report.alert,
    ...(report.label !== null && { label: report.label }),
    state: report.state,
    audience: report.audience,
    outcomes: report.outcomes,
    acceptedTime: report.acceptedAt.toISOString(),
    ...(report.sendAt && { sendTime: report.sendAt.toISOString() }),
    expiresTime: report.expiresAt.toISOString(),
    ...(report.finishedAt && { finishedTime: report.finishedAt.toISOString() }),
    ...(report.resendOf !== null && { resendOf: report.resendOf }),
    clientId: report.clientId,
  };
}

export function toFullMessageAnswer(report: FullReport): FullMessageAnswer {
  return {
    ...toMessageAnswer(report),
    providers: report.providers,
    ...(report.firstAt && { firstTime: report.firstAt.toISOString() }),
    ...(report.lastAt && { lastTime: report.lastAt.toISOString() }),
    ...(report.rate !== null && { rate: Number(report.rate.toPrecision(3)) }),
    ...(report.endsAt && { etaTime: report.endsAt.toISOString() }),
    ...(report.upstream && { upstream: toRelayAnswer(report.upstream) }),
    ...(report.resends.length > 0 && { resends: report.resends }),
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
  const { messageId, alert, label, acceptedAt, provider, outcome, reason, attempts, retryAt } = message;
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
  };
}
