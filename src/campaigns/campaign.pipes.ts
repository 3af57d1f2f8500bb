import { Injectable } from '@nestjs/common';
import type { PipeTransform } from '@nestjs/common';
import { invalidValue, notFound } from '../common/errors.js';

/** A number in the query, from 1 to `max`; `fallback` if absent. Throws FPWSE0005E. */
export class CountPipe implements PipeTransform<unknown, number> {
  constructor(
    private readonly name: string,
    private readonly fallback: number,
    private readonly max = Number.MAX_SAFE_INTEGER,
  ) {}

  transform(value: unknown): number {
    if (value === undefined) return this.fallback;
    const number = typeof value === 'string' && /^\d{1,16}$/.test(value) ? Number(value) : 0;
    if (number < 1 || number > this.max)
      throw invalidValue(this.name, `it must be a whole number from 1 to ${this.max}`);
    return number;
  }
}

/** Text that is not a number is an unknown run. */
@Injectable()
export class RunIdPipe implements PipeTransform<string, number> {
  transform(value: string): number {
    if (!/^\d{1,15}$/.test(value)) throw notFound('run', 'runId');
    return Number(value);
  }
}
