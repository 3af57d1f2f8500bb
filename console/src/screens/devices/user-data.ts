import { api, bodyOf } from '../../api/client';
import { CALM_MS, reading } from '../../api/read';
import type { Reading } from '../../api/read';
import type { components } from '../../api/schema';

export type UserData = components['schemas']['UserAnswer'];

export interface UserPath {
  applicationId: string;
  userId: string;
}

const SHOWN = 50;
const EXPORTED = 1_000;

export function userQuery(path: UserPath, after: string | undefined) {
  return reading(
    ['user', path.applicationId, path.userId, after ?? null],
    (options) => readPage(path, { size: SHOWN, after }, options),
    CALM_MS,
  );
}

/** All pages together; a page that fails fails the whole, so that no file looks complete and is not. */
export async function readAll(path: UserPath): Promise<UserData> {
  const { next: start, ...all } = await readPage(path, { size: EXPORTED });
  for (let after = start; after !== undefined;) {
    const page = await readPage(path, { size: EXPORTED, after });
    all.devices.push(...page.devices);
    all.values.push(...page.values);
    all.messages.push(...page.messages);
    after = page.next;
  }
  return all;
}

function readPage(
  path: UserPath,
  { size, after }: { size: number; after?: string | undefined },
  options?: Reading,
): Promise<UserData> {
  const params = { path, query: { size, ...(after !== undefined && { after }) } };
  return bodyOf(api.GET('/imfpush/v1/apps/{applicationId}/users/{userId}', { params, ...options }));
}
