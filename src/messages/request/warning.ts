export const WARNING_CODES = [
  'unknownField',
  'noSms',
  'unsupportedPlatform',
  'emptyList',
  'unregisteredIds',
  'retiredIds',
  'undivided',
  'relayed',
  'expiresFirst',
  'awaitsApproval',
  'concurrentRun',
] as const;

/** News for the caller of an accepted request: a code for programs, a sentence for people. */
export interface Warning {
  code: (typeof WARNING_CODES)[number];
  message: string;
  /** The field of the request. */
  field?: string;
  ids?: string[];
  count?: number;
  of?: number;
}

/** The members of an answer with warnings: the sentences, and the same with codes. */
export function told(warnings: readonly Warning[]): { warnings?: string[]; warningDetails?: Warning[] } {
  return warnings.length === 0 ? {} : { warnings: textsOf(warnings), warningDetails: [...warnings] };
}

export function textsOf(warnings: readonly Warning[]): string[] {
  return warnings.map(({ message }) => message);
}

/** The messages of a campaign have the same warnings. */
export function distinct(warnings: readonly Warning[]): Warning[] {
  return [...new Map(warnings.map((warning) => [warning.message, warning])).values()];
}
