import { Textarea } from '@mantine/core';
import { isSame } from '../../../parts/same';
import { texts } from '../../../texts/texts';
import type { Definition } from './definition';
import { JSON_KEY } from './form';
import type { Form } from './form';

/** Every field of the API, also those that the form does not show. */
export function AsJson({ form }: { form: Form }) {
  const typed = form.draft.typed[JSON_KEY];
  // Also a right text stays as it was typed, until another field changes the campaign.
  const isTyped = typed && (typed.isWrong || isSame(readJson(typed.text), form.definition));
  return (
    <Textarea
      label={texts.editor.json}
      description={texts.editor.jsonHint}
      error={typed?.isWrong && texts.editor.wrongJson}
      autosize
      minRows={8}
      maxRows={24}
      spellCheck={false}
      styles={{ input: { fontFamily: 'var(--mantine-font-family-monospace)' } }}
      value={isTyped ? typed.text : JSON.stringify(form.definition, null, 2)}
      onChange={(event) => form.setJson(event.currentTarget.value, readJson(event.currentTarget.value))}
    />
  );
}

/** Null: no JSON, or members that the form itself reads are of another kind. The API checks the rest. */
function readJson(text: string): Definition | null {
  try {
    const value: unknown = JSON.parse(text);
    return fits(value) ? value : null;
  } catch {
    return null;
  }
}

function fits(value: unknown): value is Definition {
  if (!isObject(value) || typeof value.name !== 'string' || !isObject(value.schedule)) return false;
  const { content, languages = {}, split = [], target = {}, schedule, policies = {} } = value;
  const { cron = '', at = [], exclude = [] } = schedule;
  return (
    [content, languages, target, policies].every(isObject) &&
    [split, at, exclude].every(Array.isArray) &&
    (split as unknown[]).every(isObject) &&
    typeof cron === 'string'
  );
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
