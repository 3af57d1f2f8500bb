import { List } from '@mantine/core';
import type { components } from '../api/schema';
import { texts } from '../texts/texts';

export type Warning = components['schemas']['WarningAnswer'];

/** The warnings of the API, a line each. */
export function Warnings({ warnings }: { warnings: readonly Warning[] }) {
  return (
    <List size="sm">
      {warnings.map((warning) => (
        <List.Item key={warning.message}>{warningText(warning)}</List.Item>
      ))}
    </List>
  );
}

function warningText({ code, message, field = '', ids = [], count = 0, of }: Warning): string {
  const { warnings } = texts.codes;
  switch (code) {
    case 'noSms':
    case 'undivided':
    case 'expiresFirst':
    case 'awaitsApproval':
    case 'concurrentRun':
      return warnings[code];
    case 'unknownField':
    case 'emptyList':
      return warnings[code](field);
    case 'unsupportedPlatform':
      return warnings[code](ids.join(', '));
    case 'unregisteredIds':
    case 'retiredIds':
      return warnings[code](count, [...ids, ...(count > ids.length ? ['…'] : [])].join(', '));
    case 'relayed':
      return of === undefined ? warnings.relayed : warnings.relayedPart(count, of);
    default:
      // A newer API may know more.
      code satisfies never;
      return message;
  }
}
