import type { DeviceCondition } from '../../database/tables.js';
import type { Content, Definition, Variant } from '../campaign.js';

/** The messages of a wave, pure: one per variant and language, such that no device is in two audiences. */
export interface WaveMessage {
  variant: string | null;
  language: string | null;
  body: Content;
  where: DeviceCondition[];
}

const WHOLE = 10_000;

export function toMessages(definition: Definition, campaignId: string): WaveMessage[] {
  const variants = definition.split ?? [null];
  let from = 0;
  return variants.flatMap((variant) => {
    const to = from + Math.round(((variant?.share ?? 100) * WHOLE) / 100);
    const share: DeviceCondition[] = from === 0 && to === WHOLE ? [] : [{ kind: 'share', salt: campaignId, from, to }];
    from = to;
    return inLanguages(definition, variant).map((message) => ({ ...message, where: [...share, ...message.where] }));
  });
}

/** The longest matching language applies to a device: `de-AT` before `de`; the content itself is for all others. */
function inLanguages(definition: Definition, variant: Variant | null): WaveMessage[] {
  const own = variant?.languages ?? {};
  const languages = [...new Set([...Object.keys(definition.languages ?? {}), ...Object.keys(own)])];
  const name = variant?.name ?? null;
  const base = { ...definition.content, ...variant?.content };
  const inEach = languages.map((language) => {
    const lower = language.toLowerCase();
    const narrower = languages.map((each) => each.toLowerCase()).filter((each) => each.startsWith(`${lower}-`));
    const body = { ...definition.content, ...definition.languages?.[language], ...variant?.content, ...own[language] };
    const where: DeviceCondition[] = [{ kind: 'language', of: [lower], except: narrower }];
    return { variant: name, language, body, where };
  });
  const except = languages.map((language) => language.toLowerCase());
  const rest: DeviceCondition[] = except.length > 0 ? [{ kind: 'language', except }] : [];
  return [...inEach, { variant: name, language: null, body: base, where: rest }];
}
