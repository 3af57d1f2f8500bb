import { describe, expect, it } from 'vitest';
import { inherit } from './new-message.js';

describe('inherit', () => {
  const hello = { alert: 'hello', collapseId: 'first' };

  it('marks a collapse id that no caller gave, also of a resend that is sent again', () => {
    const resent = inherit(hello, 'first');
    expect(resent).toEqual({ ...hello, collapseInherited: true });
    expect(inherit(resent, 'second')).toEqual(resent);
  });

  it("leaves the caller's own as it is", () => {
    expect(inherit(hello, 'second')).toEqual(hello);
  });
});
