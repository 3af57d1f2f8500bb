import { describe, expect, it } from 'vitest';
import { inherit } from './new-message.js';

describe('inherit', () => {
  const hello = { alert: 'hello', collapseId: 'first' };

  it('marks a collapse id that no caller set, also for a resend of a resend', () => {
    const resent = inherit(hello, 'first');
    expect(resent).toEqual({ ...hello, collapseInherited: true });
    expect(inherit(resent, 'second')).toEqual(resent);
  });

  it("keeps the caller's collapse id", () => {
    expect(inherit(hello, 'second')).toEqual(hello);
  });
});
