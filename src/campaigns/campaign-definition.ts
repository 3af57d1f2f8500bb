import { ApiError, invalidValue } from '../common/errors.js';
import { toPlain } from '../common/fields.js';
import { isJsonObject } from '../common/json.js';
import type { Content, Definition, Variant } from './campaign.js';
import type { CampaignDto } from './campaign.dto.js';
import { isLanguage } from '../messages/request/device-conditions.js';
import { besideAudience, readTarget } from '../messages/request/target.js';
import { ScheduleError } from './schedule/schedule.error.js';
import { readSchedule } from './schedule/schedule.js';

/** Reads and checks a campaign's body as a whole, pure. The content is checked by the messages that it would make. */

const MAX_LANGUAGES = 50;
/** Messages per wave: languages times variants. */
const MAX_MESSAGES = 100;

/** Throws FPWSE0005E that names field and reason. */
export function readDefinition(body: CampaignDto): Definition {
  const definition: Definition = toPlain(body);
  refusing(() => readSchedule(definition.schedule));
  // A saved audience is put in its place when the campaign fires.
  readTarget(besideAudience(definition.target));
  checkMessages(definition);
  const { quietHours, ratePerSecond, spreadSeconds } = definition.policies ?? {};
  if (ratePerSecond !== undefined && spreadSeconds !== undefined)
    throw invalidValue('policies', 'only one of ratePerSecond and spreadSeconds can be set');
  if (quietHours && quietHours.from === quietHours.to)
    throw invalidValue('policies.quietHours', 'from and to must be different');
  return definition;
}

/** Checks content, languages and variants. Throws FPWSE0005E. */
export function checkMessages({
  content,
  languages,
  split = [],
}: Pick<Definition, 'content' | 'languages' | 'split'>): void {
  checkContent('content', content);
  checkLanguages('languages', languages);
  for (const [index, variant] of split.entries()) {
    checkContent(`split.${index}.content`, variant.content ?? {});
    checkLanguages(`split.${index}.languages`, variant.languages);
  }
  checkSplit(split);
  const count = Object.keys(languages ?? {}).length + 1;
  if (count * Math.max(split.length, 1) > MAX_MESSAGES)
    throw invalidValue('split', `languages times variants must be at most ${MAX_MESSAGES}`);
}

/** Turns a ScheduleError into the API error that names its field. */
export function refusing<T>(read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (error instanceof ScheduleError) throw invalidValue(error.field, error.reason);
    throw error;
  }
}

/** Prefixes the field that a message's own check names. */
export function inField<T>(field: string, read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (error instanceof ApiError) throw new ApiError(error.code, `${field}: ${error.message}`);
    throw error;
  }
}

function checkContent(field: string, content: Content): void {
  const misplaced = 'put the target beside the content';
  if ('target' in content) throw invalidValue(`${field}.target`, misplaced);
  // A message accepts a target here, because one of the vendor's samples has it here. In a campaign it would be lost,
  // and the campaign would go to all devices.
  const { settings } = content;
  if (typeof settings === 'object' && settings !== null && 'target' in settings)
    throw invalidValue(`${field}.settings.target`, misplaced);
}

function checkLanguages(field: string, languages: Record<string, Content> = {}): void {
  const tags = Object.keys(languages);
  if (tags.length > MAX_LANGUAGES) throw invalidValue(field, `it must have at most ${MAX_LANGUAGES} languages`);
  const wrong = tags.find((tag) => !isLanguage(tag) || tag.includes('_'));
  if (wrong !== undefined) throw invalidValue(field, 'each name must be a language tag, such as de or pt-BR');
  if (new Set(tags.map((tag) => tag.toLowerCase())).size < tags.length)
    throw invalidValue(field, 'a language is listed twice');
  for (const [tag, content] of Object.entries(languages)) {
    if (!isJsonObject(content))
      throw invalidValue(`${field}.${tag}`, 'it must be an object with the fields that differ from the content');
    checkContent(`${field}.${tag}`, content);
  }
}

function checkSplit(split: readonly Variant[]): void {
  if (new Set(split.map(({ name }) => name)).size < split.length) throw invalidValue('split', 'a name is used twice');
  const sum = split.reduce((total, { share }) => total + Math.round(share * 100), 0);
  if (sum > 10_000) throw invalidValue('split', `the shares are ${sum / 100} % together, more than 100`);
}
