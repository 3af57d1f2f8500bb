import { ApiProperty } from '@nestjs/swagger';

/** Which members are there depends on `kind`. */
export class BindingAnswer {
  @ApiProperty({
    enum: ['person', 'worker', 'provider', 'time', 'pace', 'speed', 'rate', 'spread', 'quietHours'],
    description:
      '`person`: a person has to act (`act`). `worker`: no process with the role `worker` has run for 60 s. `provider`: the provider is paused, with the reason. `time`: the time of sending or of the last wave. `pace`: the rate that the provider allows, or nothing at all until `untilTime`. `speed`: no limit is known, so the rate that the provider accepted lately counts, at least 1,000 per second. `rate`, `spread`, `quietHours`: those of the campaign.',
  })
  kind!: string;
  @ApiProperty({ enum: ['approval', 'applicationStopped'] })
  act?: string;
  provider?: string;
  /** Why the provider is paused. */
  reason?: string;
  /** Deliveries per second. */
  perSecond?: number;
  untilTime?: string;
}

interface AnyBinding {
  kind: string;
  act?: string;
  provider?: string;
  reason?: string;
  perSecond?: number;
  until?: number | null;
}

export function toBindingAnswer({ kind, act, provider, reason, perSecond, until }: AnyBinding): BindingAnswer {
  return {
    kind,
    ...(act !== undefined && { act }),
    ...(provider !== undefined && { provider }),
    ...(reason !== undefined && { reason }),
    ...(perSecond !== undefined && { perSecond: Number(perSecond.toPrecision(3)) }),
    ...(until !== undefined && until !== null && { untilTime: new Date(until).toISOString() }),
  };
}
