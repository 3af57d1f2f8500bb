import { describe, expect, it } from 'vitest';
import { DeadlineError } from './deadline.js';
import { isUnavailable } from './unavailable.js';

const withCode = (code: string): Error => Object.assign(new Error('x'), { code });

describe('isUnavailable', () => {
  it.each([
    ['a read-only transaction', withCode('25006')],
    ['a full disk of the server', withCode('53100')],
    ['too many connections', withCode('53300')],
    ['a server that starts up', withCode('57P03')],
    ['a connection that an administrator ended', withCode('57P01')],
    ['a statement that took too long', withCode('57014')],
    ['a lock that was not got', withCode('55P03')],
    ['a database that takes no connections', withCode('55000')],
    ['a serialization failure', withCode('40001')],
    ['a deadlock', withCode('40P01')],
    ['a password that no longer holds', withCode('28P01')],
    ['a refused connection', withCode('ECONNREFUSED')],
    ['a name that is not found', withCode('ENOTFOUND')],
    ['a full disk of ours', withCode('ENOSPC')],
    ['a wait that was given up', new DeadlineError('The database', 10)],
    ['a connection that ended', new Error('Connection terminated unexpectedly')],
    ['a pool without a free connection', new Error('timeout exceeded when trying to connect')],
    ['one of them below another error', new Error('could not', { cause: withCode('25006') })],
  ])('isUnavailable: %s means that the database cannot serve now', (_what, error) => {
    expect(isUnavailable(error)).toBe(true);
  });

  it.each([
    ['a constraint', withCode('23505')],
    ['a value out of range', withCode('22003')],
    ['a statement of ours that is wrong', withCode('42601')],
    ['a right that is missing', withCode('42501')],
    ['a slip of ours', new TypeError('undefined is not a function')],
    ['a text', 'ECONNREFUSED'],
    ['nothing', undefined],
  ])('isUnavailable: %s does not', (_what, error) => {
    expect(isUnavailable(error)).toBe(false);
  });
});
