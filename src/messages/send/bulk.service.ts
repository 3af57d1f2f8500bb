import { Injectable } from '@nestjs/common';
import { ApplicationsService, checkMaySend } from '../../applications/applications.service.js';
import { ApiError, invalidValue } from '../../common/errors.js';
import { FairTurns } from '../../common/fair-turns.js';
import { Turn, restAfter } from '../../common/turn.js';
import { ApprovalsService } from './approvals.service.js';
import { checkSameRequest, readIdempotency } from './idempotency.js';
import type { Idempotency } from './idempotency.js';
import { newMessageId } from './message-id.js';
import { MessageWriter } from './message-writer.js';
import { MessageRepository } from './message.repository.js';
import { isLarge } from './new-message.js';
import type { Acceptable } from './new-message.js';
import { MessagesService } from './messages.service.js';
import type { SendContext } from './messages.service.js';
import { SavedAudiencesService } from './saved-audiences.service.js';
import { checkRestrictions } from '../request/restriction.js';
import type { Warning } from '../request/warning.js';

/** Messages per request: one transaction of about 100 ms. */
const LARGEST = 1_000;
/**
 * Messages prepared and routed per piece: about 10 ms, then single messages and the next application's bulk get a turn.
 */
const PIECE = 50;
/**
 * Pieces and commits of bulks that a process runs at once. With two, bulks were no faster, and single messages took
 * twice as long.
 */
const AT_ONCE = 1;
/** Errors described in full; further errors are only counted. */
const TOLD = 5;
/** Users with `data` in all messages of a bulk together, because one transaction inserts them. */
const MOST_USERS = 10_000;

export interface BulkAcceptance {
  messages: { messageId: string; alert: string; acceptedAt: Date; warnings: Warning[] }[];
  replayed: boolean;
  /** Ids of messages that may go to more devices than one batch has. */
  large: string[];
}

/** Accepts many messages in one request: all of them, or none. */
@Injectable()
export class BulkService {
  private readonly turns = new FairTurns(AT_ONCE, restAfter);

  constructor(
    private readonly applications: ApplicationsService,
    private readonly messages: MessagesService,
    private readonly stored: MessageRepository,
    private readonly writer: MessageWriter,
    private readonly saved: SavedAudiencesService,
    private readonly approvals: ApprovalsService,
  ) {}

  /** Throws the errors of a single send, naming the message by its index; nothing is stored then. */
  acceptBulk(caller: SendContext, body: unknown, idempotencyKey: string | undefined): Promise<BulkAcceptance> {
    return Turn.give((turn) => this.acceptInTurns(turn, caller, body, idempotencyKey));
  }

  private async acceptInTurns(
    turn: Turn,
    caller: SendContext,
    body: unknown,
    idempotencyKey: string | undefined,
  ): Promise<BulkAcceptance> {
    const application = await this.applications.getApplication(caller.applicationId);
    const list = readList(body);
    const strict = caller.strict || application.strict;
    const idempotency = readIdempotency(idempotencyKey, list);
    const earlier = await this.findEarlier(caller, idempotency);
    if (earlier) return earlier;
    const inTurn: InTurn = (work) => this.turns.take(caller.applicationId, work);
    const audiences = await this.saved.findNamed(caller.applicationId, list);
    const prepared = await settleAll(list, turn, inTurn, async (each) =>
      this.messages.prepare(each, strict, audiences),
    );
    const users = prepared.reduce((sum, { data }) => sum + (data?.size ?? 0), 0);
    if (users > MOST_USERS)
      throw new ApiError('FPWSE0005E', `The messages have data of ${users} users; the maximum is ${MOST_USERS}.`);
    checkMaySend(application);
    const routed = await settleAll(prepared, turn, inTurn, async (each) =>
      this.approvals.hold(application, await this.messages.route(application, caller, each, { bulk: true })),
    );
    await this.messages.takeQuota(
      caller.applicationId,
      routed.map(({ message }) => message),
    );
    for (;;) {
      if (await inTurn(() => this.writer.keepAll(inOneBulk(routed, idempotency))))
        return {
          messages: routed.map(({ message, warnings }) => ({
            messageId: message.id,
            alert: message.notification.alert,
            acceptedAt: message.acceptedAt,
            warnings,
          })),
          replayed: false,
          large: routed.filter(isLarge).map(({ message }) => message.id),
        };
      // Either the same key came in a concurrent request, or (rarely) a message id is taken.
      const first = await this.findEarlier(caller, idempotency);
      if (first) return first;
      for (const { message } of routed) message.id = newMessageId();
    }
  }

  private async findEarlier({ applicationId, clientId }: SendContext, idempotency: Idempotency | null) {
    if (!idempotency) return null;
    const first = await this.stored.findByIdempotencyKey(applicationId, clientId, idempotency.key);
    if (!first) return null;
    checkSameRequest(first, idempotency.requestHash);
    const rows = await this.stored.findBulk(applicationId, first.id);
    const messages = rows.map(({ id, alert, acceptedAt }) => ({ messageId: id, alert, acceptedAt, warnings: [] }));
    return { messages, replayed: true, large: [] };
  }
}

/** Reads a JSON array, or the admin service's wrapper around one. Throws FPWSE0004E, FPWSE0005E. */
function readList(body: unknown): readonly unknown[] {
  const wrapped = (body as { ArrayOfMessageBody?: unknown } | null | undefined)?.ArrayOfMessageBody;
  const list = Array.isArray(body) ? (body as unknown[]) : wrapped;
  if (!Array.isArray(body) && Array.isArray(wrapped)) checkBeside(body as Record<string, unknown>);
  if (!Array.isArray(list)) throw new ApiError('FPWSE0004E', 'The body must be a JSON array of messages.');
  if (list.length === 0) throw new ApiError('FPWSE0005E', 'The array is empty.');
  if (list.length > LARGEST)
    throw new ApiError('FPWSE0005E', `The array has ${list.length} messages; the maximum is ${LARGEST}.`);
  return list as unknown[];
}

/**
 * Refuses members beside the list: if a `target` there were ignored, the messages would go to all devices. Throws
 * FPWSE0005E.
 */
function checkBeside({ ArrayOfMessageBody: _list, ...members }: Record<string, unknown>): void {
  if (members.target !== undefined) throw invalidValue('target', 'it must be in each of the messages');
  checkRestrictions(members);
}

type InTurn = <R>(work: () => Promise<R>) => Promise<R>;

/**
 * Returns all results, or throws one error that names the failed messages by index and has the code of the first. Runs
 * in pieces, each in its turn.
 */
async function settleAll<T, R>(
  list: readonly T[],
  turn: Turn,
  inTurn: InTurn,
  act: (item: T) => Promise<R>,
): Promise<R[]> {
  const results: PromiseSettledResult<R>[] = [];
  for (let from = 0; from < list.length; from += PIECE)
    results.push(...(await inTurn(() => settlePiece(list.slice(from, from + PIECE), turn, act))));
  const failed = results.flatMap((result, index) =>
    result.status === 'rejected' ? [{ index, error: result.reason as unknown }] : [],
  );
  const foreign = failed.find(({ error }) => !(error instanceof ApiError));
  if (foreign) throw foreign.error;
  const [first] = failed as { index: number; error: ApiError }[];
  if (!first) return results.map((result) => (result as PromiseFulfilledResult<R>).value);
  const told = (failed as { index: number; error: ApiError }[])
    .slice(0, TOLD)
    .map(({ index, error }) => `Message [${index}]: ${error.message}`);
  if (failed.length > TOLD) told.push(`And ${failed.length - TOLD} more.`);
  throw new ApiError(first.error.code, told.join(' '));
}

/** Catches a failure at once, because the other promises may not have been created yet. */
async function settle<R>(act: Promise<R>): Promise<PromiseSettledResult<R>> {
  try {
    return { status: 'fulfilled', value: await act };
  } catch (reason) {
    return { status: 'rejected', reason };
  }
}

/** The first message holds the key for the whole bulk. */
function inOneBulk(list: readonly Acceptable[], idempotency: Idempotency | null): Acceptable[] {
  const firstId = list[0]?.message.id;
  return list.map(({ message, batches }, index) => ({
    message: {
      ...message,
      idempotency: index === 0 ? idempotency : null,
      bulkOf: idempotency ? firstId : undefined,
    },
    batches,
  }));
}

async function settlePiece<T, R>(
  piece: readonly T[],
  turn: Turn,
  act: (item: T) => Promise<R>,
): Promise<PromiseSettledResult<R>[]> {
  // Each piece waits for a turn of its own, because the previous piece may have used up this one.
  await turn.pass();
  const acts: Promise<PromiseSettledResult<R>>[] = [];
  for (const item of piece) {
    if (turn.isOver) await turn.pass();
    acts.push(settle(act(item)));
  }
  return Promise.all(acts);
}
