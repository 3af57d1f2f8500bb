import { TextInput } from '@mantine/core';
import { parseDecimal, parseWhole, plainNumber } from '../../../parts/format';
import { texts } from '../../../texts/texts';
import { getAt } from './definition';
import type { Path } from './definition';
import type { Form } from './form';

interface NumberFieldProps {
  form: Form;
  path: Path;
  label: string;
  description?: string;
  /** The field shows the member times this: percent, hours. */
  factor?: number;
  isDecimal?: boolean;
}

/** A number as the viewer's language writes it; an empty field leaves the member out. */
export function NumberField({ form, path, label, description, factor = 1, isDecimal = false }: NumberFieldProps) {
  const value = getAt(form.definition, path);
  const typed = form.draft.typed[path.join('.')];
  const shown = typeof value === 'number' ? plainNumber(exact(value * factor)) : '';
  const change = (text: string): void => {
    const number = (isDecimal ? parseDecimal : parseWhole)(text);
    form.type(path, text, text.trim() === '' ? undefined : number && exact(number / factor));
  };
  return (
    <TextInput
      label={label}
      description={description}
      inputMode="decimal"
      value={typed?.text ?? shown}
      error={typed?.isWrong && (isDecimal ? texts.editor.wrongNumber : texts.send.wholeNumber)}
      onChange={(event) => change(event.currentTarget.value)}
    />
  );
}

/** Without the last digits of binary fractions. */
function exact(value: number): number {
  return Number(value.toPrecision(12));
}
