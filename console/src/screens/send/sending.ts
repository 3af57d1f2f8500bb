import { useMutation, useQueryClient } from '@tanstack/react-query';
import { api, bodyOf } from '../../api/client';
import { serverNow } from '../../api/clock';
import { Failure } from '../../api/failure';
import type { components } from '../../api/schema';
import { useOnce } from '../../parts/once';
import { newKey } from '../../parts/random';
import type { Warning } from '../../parts/warnings';
import type { Content } from '../../parts/content';
import type { SendDraft } from './draft';

type Body = components['schemas']['SendMessageDto'];

/** The API refuses unknown fields, so that nothing that a person typed is dropped. */
const STRICT = { Prefer: 'handling=strict' };
/** The API remembers a key for 24 hours. */
const KEY_LIVES_MS = 23 * 3_600_000;
const USED_FOR_ANOTHER = 'FPWSE0002E';

export interface Sent {
  messageId: string;
  warnings: readonly Warning[];
}

/** The text was changed after a request whose answer was lost, and that request had been accepted. */
export class SentBefore extends Error {
  constructor(readonly first: Sent) {
    super('sent before');
  }
}

async function post(applicationId: string, key: string, body: Content): Promise<Sent> {
  const answer = await bodyOf(
    api.POST('/imfpush/v1/apps/{applicationId}/messages', {
      params: { path: { applicationId }, header: { 'Idempotency-Key': key, ...STRICT } },
      body: body as unknown as Body,
    }),
  );
  if (!('messageId' in answer)) throw new Error('the answer has no message id');
  return { messageId: answer.messageId, warnings: answer.warningDetails ?? [] };
}

/** Whether the first of the tried requests may be forgotten by the API, so that a repeat could send it again. */
export function isTooOld({ tried }: SendDraft): boolean {
  return tried[0] !== undefined && serverNow() - tried[0].at > KEY_LIVES_MS;
}

function isUsed(error: unknown): boolean {
  return error instanceof Failure && error.code === USED_FOR_ANOTHER;
}

/** The key is taken, so a repeat of the accepted request gets its answer, and every other one is refused. */
async function findAccepted(applicationId: string, key: string, tried: SendDraft['tried']): Promise<Sent | null> {
  for (const { body } of tried) {
    const sent = await post(applicationId, key, body).catch((error: unknown) => {
      if (isUsed(error)) return null;
      throw error;
    });
    if (sent) return sent;
  }
  return null;
}

interface Use {
  applicationId: string;
  draft: SendDraft;
  setDraft: (next: SendDraft) => void;
  /** Also called after the screen was left. */
  onSent: (sent: Sent) => void;
}

/**
 * Sends the draft at most once: every request of a draft has its key, which is stored before the request, so that a
 * second press, a reload and another tab with the draft repeat the first answer. A changed text under the key is
 * refused by the API if the first was accepted, and is sent if it was not.
 */
export function useSend({ applicationId, draft, setDraft, onSent }: Use) {
  const queries = useQueryClient();
  return useMutation<Sent, Error, { body: Content; another?: boolean }>({
    mutationFn: async ({ body, another = false }) => {
      const key = another ? newKey() : draft.key;
      const earlier = another ? [] : draft.tried;
      setDraft({ ...draft, key, tried: [...earlier, { body, at: serverNow() }] });
      try {
        return await post(applicationId, key, body);
      } catch (error) {
        const first = isUsed(error) && (await findAccepted(applicationId, key, earlier));
        throw first ? new SentBefore(first) : error;
      }
    },
    onSuccess: (sent) => {
      void queries.invalidateQueries({ queryKey: ['messages', applicationId] });
      onSent(sent);
    },
  });
}

/** To the viewer's own devices; each press after an answer is a message of its own. */
export function useTestSend(applicationId: string) {
  const once = useOnce();
  return useMutation<Sent, Error, { content: Content; deviceIds: string[] }>({
    mutationFn: ({ content: { sendAt: _now, ...content }, deviceIds }) => {
      const body = { ...content, label: 'test', target: { deviceIds } };
      return post(applicationId, once.keyOf(body), body);
    },
    onSuccess: once.answered,
  });
}
