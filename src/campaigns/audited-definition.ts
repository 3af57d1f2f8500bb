import { auditedTarget, changesBetween, isSame } from '../auth/audited-changes.js';
import type { Definition } from './campaign.js';

/** The changes of a campaign, for the audit: values before and after, and of texts only that they changed. Pure. */
export function definitionChange(before: Definition, after: Definition): Record<string, unknown> {
  const hasNewTexts = !isSame(contentOf(before), contentOf(after));
  return { ...changesBetween(visible(before), visible(after)), ...(hasNewTexts && { content: 'changed' }) };
}

function visible({ name, split, target, schedule, policies }: Definition): object {
  const shares = split?.map((variant) => ({ name: variant.name, share: variant.share }));
  return { name, split: shares, target: auditedTarget(target), schedule, policies };
}

function contentOf({ content, languages, split }: Definition): unknown {
  return [content, languages, split?.map((variant) => [variant.content, variant.languages])];
}
