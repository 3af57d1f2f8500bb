import { describe, expect, it } from 'vitest';
import { checkBody } from '../common/body.js';
import { readDefinition } from './campaign-definition.js';
import { CampaignDto } from './campaign.dto.js';

const SMALLEST = { name: 'test', content: { message: { alert: 'hi' } }, schedule: { cron: '0 9 * * *' } };

function read(change: Record<string, unknown>) {
  return readDefinition(checkBody(CampaignDto, { ...SMALLEST, ...change }).value);
}

describe('a target in the wrong place would be lost, and everybody reached', () => {
  const inSettings = { message: { alert: 'hi' }, settings: { target: { userIds: ['ann'] } } };
  it.each([
    ['content.target', { content: { message: { alert: 'hi' }, target: {} } }],
    ['content.settings.target', { content: inSettings }],
    ['languages.de.settings.target', { languages: { de: inSettings } }],
    ['split.0.content.settings.target', { split: [{ name: 'A', share: 50, content: inSettings }] }],
    ['split.0.languages.de.settings.target', { split: [{ name: 'A', share: 50, languages: { de: inSettings } }] }],
  ])('%s', (field, change) => {
    expect(() => read(change)).toThrow(`'${field}' parameter value: the target stands beside the content`);
  });
});
