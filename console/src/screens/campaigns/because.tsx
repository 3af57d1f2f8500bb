import { Text } from '@mantine/core';
import type { components } from '../../api/schema';
import { texts } from '../../texts/texts';

type Code = NonNullable<components['schemas']['RunAnswer']['reasonCode']>;

/** Why a campaign, a run or a wave does not send. */
export function reasonText(code: Code | undefined, reason: string): string {
  const words = texts.codes.campaign;
  // A newer API may know more codes.
  return (code === 'invalid' ? words.invalid(reason) : code && words[code]) ?? reason;
}

export function Because({ code, reason }: { code: Code | undefined; reason: string | undefined }) {
  if (reason === undefined) return null;
  return (
    <Text size="xs" c="dimmed">
      {reasonText(code, reason)}
    </Text>
  );
}
