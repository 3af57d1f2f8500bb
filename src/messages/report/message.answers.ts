import { ApiExtraModels, ApiProperty, getSchemaPath } from '@nestjs/swagger';
import type { OutcomeName } from '../../delivery/outcome.js';
import { OUTCOME_NAMES } from '../../delivery/outcome.js';
import type { DeviceReceipts, ReceiptCounts } from '../receipts/receipt-kinds.js';
import type { Outcomes } from './report.js';
import { WHY_NOT_CODES } from './why-not.js';
import type { WhyNot } from './why-not.js';

/** The answers of the report routes. Times are ISO 8601; members without a value are omitted. */

export const STATES = [
  'awaitingApproval',
  'scheduled',
  'accepted',
  'expanding',
  'sending',
  'paused',
  'finished',
  'cancelled',
  'expired',
] as const;
const COUNT = { type: 'integer' as const, minimum: 0 };
const NEXT = 'absent on the last page';

export class OutcomesAnswer implements Outcomes {
  @ApiProperty(COUNT)
  pending!: number;
  @ApiProperty(COUNT)
  inFlight!: number;
  @ApiProperty(COUNT)
  accepted!: number;
  @ApiProperty(COUNT)
  rejected!: number;
  @ApiProperty(COUNT)
  failed!: number;
  @ApiProperty(COUNT)
  expired!: number;
  @ApiProperty(COUNT)
  cancelled!: number;
  @ApiProperty(COUNT)
  unknown!: number;
}

export class MessageAnswer {
  messageId!: string;
  alert!: string;
  label?: string;
  /** Extension, of a test: the id of the campaign; a test is no run of it. */
  testOf?: string;
  /** Extension: the client or person that approved the message. */
  approvedBy?: string;
  @ApiProperty({ enum: STATES })
  state!: string;
  @ApiProperty({ type: 'integer' })
  audience!: number;
  /** Number of deliveries by outcome; their sum is the audience. */
  outcomes!: OutcomesAnswer;
  acceptedTime!: string;
  /** Time of sending; absent: at once. */
  sendTime?: string;
  expiresTime!: string;
  finishedTime?: string;
  /** The original, if this message is a resend. */
  resendOf?: string;
  /** The client that sent the message or created its campaign. */
  clientId!: string;
  /** The campaign that made the message; absent if a client sent it. */
  campaignId?: string;
  /** The run of the campaign. */
  @ApiProperty({ type: 'integer' })
  runId?: number;
}

export class MessageListAnswer {
  messages!: MessageAnswer[];
  @ApiProperty({ description: `\`after\` of the next page; ${NEXT}` })
  next?: string;
}

class MessageOfApplicationAnswer extends MessageAnswer {
  applicationId!: string;
}

export class UnderWayAnswer {
  messages!: MessageOfApplicationAnswer[];
}

/** Which members are there depends on `kind` (waiting-for.ts). */
export class WaitAnswer {
  @ApiProperty({ enum: ['person', 'time', 'worker', 'provider', 'quietHours', 'pace', 'rate', 'retry'] })
  kind!: string;
  @ApiProperty({ enum: ['approval', 'messagePaused', 'applicationStopped'] })
  act?: string;
  /** The client that stopped the application. */
  by?: string;
  provider?: string;
  /** Why the provider is paused. */
  reason?: string;
  /** Deliveries per second. */
  perSecond?: number;
  sinceTime?: string;
  untilTime?: string;
  /** When a single delivery tries whether the provider takes it again. */
  nextTryTime?: string;
}

export class RelayAnswer {
  @ApiProperty({ enum: OUTCOME_NAMES })
  outcome!: OutcomeName;
  /** The upstream’s id of the message. */
  messageId?: string;
  /** The last error, if the upstream did not accept the request. */
  reason?: string;
}

/** Number of devices that told of each kind, each device once. */
export class ReceiptCountsAnswer implements ReceiptCounts {
  /** All devices that told anything about the message; never more than the audience. */
  @ApiProperty(COUNT)
  displayed!: number;
  @ApiProperty(COUNT)
  opened!: number;
  @ApiProperty(COUNT)
  dismissed!: number;
  /** By the id of the action, the hundred most frequent ones. */
  @ApiProperty({ type: 'object', additionalProperties: COUNT })
  actions!: Record<string, number>;
}

class DeviceReceiptsAnswer implements DeviceReceipts {
  displayedTime!: string;
  openedTime?: string;
  dismissedTime?: string;
  /** By the id of the action. */
  @ApiProperty({ type: 'object', additionalProperties: { type: 'string', format: 'date-time' } })
  actionTimes?: Record<string, string>;
}

@ApiExtraModels(OutcomesAnswer)
export class FullMessageAnswer extends MessageAnswer {
  /** The outcomes by provider. */
  @ApiProperty({ type: 'object', additionalProperties: { $ref: getSchemaPath(OutcomesAnswer) } })
  providers!: Record<string, OutcomesAnswer>;
  /** Time of the first delivery. */
  firstTime?: string;
  /** Time of the last recorded outcome. */
  lastTime?: string;
  /** Deliveries settled per second between `firstTime` and `lastTime`. */
  rate?: number;
  /** While the message is being sent: its estimated end at that rate. */
  etaTime?: string;
  /**
   * The cause that holds up a message that has not ended. `person`: a person paused the message, stopped its
   * application, or has to approve the message (`act`, `by`). `time`: its time of sending. `worker`: no process with
   * the role `worker` has run for 60 s. `provider`: the provider is paused, with the reason. `quietHours`: those of its
   * campaign. `pace`: the rate that the provider allows, or nothing at all until `untilTime`. `rate`: that of its
   * campaign. `retry`: the next try of its open deliveries.
   */
  waitingFor?: WaitAnswer;
  /**
   * The request to the upstream, if the message or a part is relayed. The request counts as one delivery, because only
   * the upstream knows the number of devices.
   */
  upstream?: RelayAnswer;
  /** Ids of the resends of this message. */
  resends?: string[];
  /** Absent: no device told anything about the message. */
  receipts?: ReceiptCountsAnswer;
}

class DeliveryFacts {
  provider!: string;
  @ApiProperty({ enum: OUTCOME_NAMES })
  outcome!: string;
  /** The provider’s reason for the last failure. */
  reason?: string;
  /** How many times the delivery was sent. */
  @ApiProperty({ type: 'integer' })
  attempts!: number;
  /** Time of the next try. */
  retryTime?: string;
}

export class DeliveryAnswer extends DeliveryFacts {
  @ApiProperty({ type: String, nullable: true, description: 'Null: the device is no longer registered' })
  deviceId!: string | null;
  userId?: string;
  platform?: string;
}

export class DeliveryListAnswer {
  deliveries!: DeliveryAnswer[];
  @ApiProperty({ description: `\`after\` of the next page; ${NEXT}` })
  next?: string;
}

export class DeviceMessageAnswer extends DeliveryFacts {
  messageId!: string;
  alert!: string;
  label?: string;
  acceptedTime!: string;
  /** The receipts of the device; absent: there are none. */
  receipts?: DeviceReceiptsAnswer;
}

export class DeviceMessageListAnswer {
  messages!: DeviceMessageAnswer[];
  @ApiProperty({ description: `\`after\` of the next page; ${NEXT}` })
  next?: string;
}

/** The delivery of one message to one device, or why there is none. */
export class ExplanationAnswer {
  messageId!: string;
  @ApiProperty({ type: String, nullable: true })
  deviceId!: string | null;
  userId?: string;
  platform?: string;
  provider?: string;
  @ApiProperty({ enum: [...OUTCOME_NAMES, 'notInAudience'] })
  outcome!: string;
  reason?: string;
  /** Only of `notInAudience`: the reason as a code. */
  @ApiProperty({ enum: WHY_NOT_CODES })
  reasonCode?: WhyNot['reasonCode'];
  /** Only of `resend`: the message of which some deliveries were sent again. */
  resendOf?: string;
  /** Only of `otherPlatform`: the platforms of the target. */
  targetPlatforms?: string[];
  /** Only of `otherAttribute`: its name. */
  attribute?: string;
  /** Only of `dailyCap`: devices that the cap left out. */
  @ApiProperty({ type: 'integer' })
  capped?: number;
  /** Only of `retired`. */
  retiredTime?: string;
  /** Only of `retired`: the provider’s reason, or `unseen`. */
  retiredReason?: string;
  @ApiProperty({ type: 'integer' })
  attempts?: number;
  retryTime?: string;
}

export class ReasonCountAnswer {
  @ApiProperty({ enum: OUTCOME_NAMES })
  outcome!: OutcomeName;
  provider!: string;
  reason!: string;
  /** Number of deliveries. */
  @ApiProperty({ type: 'integer' })
  count!: number;
}

export class ReasonListAnswer {
  /** The hundred most frequent ones. */
  reasons!: ReasonCountAnswer[];
  /** False: more than 100,000 deliveries were not accepted, and the counts are estimated from a part of them. */
  exact!: boolean;
}
