import { expect, it } from 'vitest';
import { beginFlow, destinationOfState, resumeFlow } from './flow.js';

const NOW = 1_800_000_000_000;
const TO = '/console/messages?x=1#y';

it('goes on where it began, for any number of tabs', () => {
  const flows = [1, 2, 3].map((n) => ({ to: `/console/${n}`, flow: beginFlow('s', `/console/${n}`, NOW, `${n}`) }));
  for (const { to, flow } of flows.toReversed())
    expect(resumeFlow('s', flow.state, NOW + 60_000)).toEqual({ ...flow, to });
  expect(new Set(flows.flatMap(({ flow }) => [flow.nonce, flow.verifier, flow.state])).size).toBe(9);
});

it('a verifier has the form of RFC 7636', () => {
  expect(beginFlow('s', TO, NOW, 'a').verifier).toMatch(/^[A-Za-z0-9._~-]{43,128}$/);
});

it('is not good in another browser, without its cookie, changed, or after half an hour', () => {
  const { state } = beginFlow('s', TO, NOW, 'a');
  const [text = '', mark = ''] = state.split('.');
  const changed = Buffer.from(JSON.stringify({ to: '/console/other', at: NOW, id: 'a' })).toString('base64url');
  expect(resumeFlow('other', state, NOW)).toBeNull();
  expect(resumeFlow(undefined, state, NOW)).toBeNull();
  expect(resumeFlow('s', state, NOW + 30 * 60_000 + 1)).toBeNull();
  for (const bad of [`${changed}.${mark}`, text, '', '.', `${text}.`, `${text}.${mark}x`])
    expect(resumeFlow('s', bad, NOW)).toBeNull();
});

it('tells where it led to when it is not good any more, within the console', () => {
  expect(destinationOfState(beginFlow('s', TO, NOW, 'a').state)).toBe(TO);
  const forged = Buffer.from(JSON.stringify({ to: '//evil.test', at: NOW, id: 'a' })).toString('base64url');
  for (const state of ['', 'x.y', `${forged}.x`]) expect(destinationOfState(state)).toBe('/console/');
});
