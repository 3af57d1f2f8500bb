import { Injectable } from '@nestjs/common';

/** Wall-clock time in epoch milliseconds; tests put their own in its place. */
@Injectable()
export class Clock {
  now(): number {
    return Date.now();
  }
}
