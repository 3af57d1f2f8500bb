import { audienceOf, readAudience } from '../../../parts/audience/audience';
import type { AudienceDraft, AudienceProblem } from '../../../parts/audience/audience';
import { isSame } from '../../../parts/same';
import type { Campaign } from '../read-campaigns';
import { definitionOf, emptyDefinition, getAt, setAt } from './definition';
import type { Definition, Path } from './definition';

/** The state of the editor, and the campaign that it stands for. Pure. */

export interface EditorDraft {
  /** The campaign as it was read before the first key; null: a new one. */
  base: { definition: Definition; etag: string } | null;
  definition: Definition;
  /** By path: numbers and JSON as they were typed; a wrong text changes no member. */
  typed: Record<string, { text: string; isWrong: boolean }>;
  /** The state of the builder; null: as the target says. */
  audience: AudienceDraft | null;
  /** Of the request that makes a new campaign: every try has it, so one campaign is made. */
  key: string;
  /** The content that was sent under the key so far, if the answer to it is not known. */
  tried: Definition | null;
}

export function draftOf(campaign: Campaign | null, key: string): EditorDraft {
  const definition = campaign ? definitionOf(campaign) : emptyDefinition();
  const base = campaign && { definition, etag: campaign.etag };
  return { base, definition, typed: {}, audience: null, key, tried: null };
}

export function hasChanged({ base, definition, typed, audience }: EditorDraft): boolean {
  const isOpen =
    Object.values(typed).some(({ isWrong }) => isWrong) || (audience && 'problem' in readAudience(audience));
  return Boolean(isOpen) || !isSame(definition, base?.definition ?? emptyDefinition());
}

/** Key of the whole definition among the typed texts. */
export const JSON_KEY = 'json';

export type Problem = AudienceProblem | 'noCampaignName' | 'noText' | 'noMoment' | 'noVariant' | 'wrongTyped';

/** The first missing or wrong part that the form can see; the name is last, because a preview needs none. */
export function problemOf({ definition, typed, audience }: EditorDraft): Problem | null {
  const { name, content, schedule, split = [] } = definition;
  if (Object.values(typed).some(({ isWrong }) => isWrong)) return 'wrongTyped';
  const alert = getAt(content, ['message', 'alert']);
  if (typeof alert !== 'string' || alert.trim() === '') return 'noText';
  if (split.some((variant) => variant.name.trim() === '' || typeof variant.share !== 'number')) return 'noVariant';
  const read = audience && readAudience(audience);
  if (read && 'problem' in read) return read.problem;
  const hasMoment = schedule.at ? schedule.at.every((time) => time !== '') : Boolean(schedule.cron?.trim());
  if (!hasMoment) return 'noMoment';
  return name.trim() === '' ? 'noCampaignName' : null;
}

/** The draft with what the fields change; each function returns the next draft. */
export interface Form {
  draft: EditorDraft;
  definition: Definition;
  setDefinition: (next: Definition) => void;
  set: (path: Path, value: unknown) => void;
  /** `value` null: the text is none. */
  type: (path: Path, text: string, value: unknown) => void;
  setAudience: (next: AudienceDraft) => void;
  setSplit: (next: Definition['split']) => void;
  /** `next` null: the text is no JSON of a campaign. */
  setJson: (text: string, next: Definition | null) => void;
}

export function formOf(draft: EditorDraft, setDraft: (next: EditorDraft) => void): Form {
  const { definition } = draft;
  const setDefinition = (next: Definition): void => setDraft({ ...draft, definition: next });
  return {
    draft,
    definition,
    setDefinition,
    set: (path, value) => setDefinition(setAt(definition, path, value)),
    type: (path, text, value) => {
      const typed = { ...draft.typed, [path.join('.')]: { text, isWrong: value === null } };
      setDraft({ ...draft, typed, definition: value === null ? definition : setAt(definition, path, value) });
    },
    setAudience: (audience) => {
      const read = readAudience(audience);
      const rest = audienceOf(definition.target)?.rest;
      const target = 'target' in read ? { ...rest, ...read.target } : definition.target;
      const next = setAt(definition, ['target'], target && Object.keys(target).length > 0 ? target : undefined);
      setDraft({ ...draft, audience, definition: next });
    },
    // The typed shares belong to places in the list, which move.
    setSplit: (split) => {
      const typed = Object.entries(draft.typed).filter(([path]) => !path.startsWith('split.'));
      setDraft({ ...draft, typed: Object.fromEntries(typed), definition: setAt(definition, ['split'], split) });
    },
    setJson: (text, next) => {
      const typed = { [JSON_KEY]: { text, isWrong: next === null } };
      setDraft(
        next
          ? { ...draft, typed, audience: null, definition: next }
          : { ...draft, typed: { ...draft.typed, ...typed } },
      );
    },
  };
}
