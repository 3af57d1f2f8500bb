import 'reflect-metadata';
import { describe, expect, it } from 'vitest';
import { checkBody } from '../common/body.js';
import { readDefinition } from './campaign-definition.js';
import { CampaignDto } from './campaign.dto.js';

const SMALLEST = { name: 'test', content: { message: { alert: 'hi' } }, schedule: { cron: '0 9 * * *' } };

function read(change: Record<string, unknown>) {
  return readDefinition(checkBody(CampaignDto, { ...SMALLEST, ...change }).value);
}

describe('refuses a target in the wrong place, which would be lost and make a broadcast', () => {
  const inSettings = { message: { alert: 'hi' }, settings: { target: { userIds: ['ann'] } } };
  it.each([
    ['content.target', { content: { message: { alert: 'hi' }, target: {} } }],
    ['content.settings.target', { content: inSettings }],
    ['languages.de.settings.target', { languages: { de: inSettings } }],
    ['split.0.content.settings.target', { split: [{ name: 'A', share: 50, content: inSettings }] }],
    ['split.0.languages.de.settings.target', { split: [{ name: 'A', share: 50, languages: { de: inSettings } }] }],
  ])('%s', (field, change) => {
    expect(() => read(change)).toThrow(`'${field}' parameter value: put the target beside the content`);
  });
});

it('treats null as absent, except within the content', () => {
  const content = { message: { alert: 'hi', url: null } };
  const policies = { overlap: null, dailyCap: null, quietHours: null, ratePerSecond: 5, spreadSeconds: null };
  const split = [{ name: 'A', share: 50, content: null, languages: null }];
  const schedule = { cron: '0 9 * * *', at: null, timeZone: null, exclude: null, jitterSeconds: null };
  expect(read({ content, policies, split, schedule, languages: null, target: null })).toEqual({
    name: 'test',
    content,
    policies: { ratePerSecond: 5 },
    split: [{ name: 'A', share: 50 }],
    schedule: { cron: '0 9 * * *' },
  });
  expect(read({ policies: null, split: null })).toEqual(SMALLEST);
});
