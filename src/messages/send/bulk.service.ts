import { Injectable } from '@nestjs/common';
import { ApplicationsService, checkMaySend } from '../../applications/applications.service.js';
import { ApiError, invalidValue } from '../../common/errors.js';
import { FairTurns } from '../../common/fair-turns.js';
import { Turn, restAfter } from '../../common/turn.js';
import { readIdempotency } from './idempotency.js';
import type { Idempotency } from './idempotency.js';
import { newMessageId } from './message-id.js';
import { MessageWriter } from './message-writer.js';
import { MessageRepository } from './message.repository.js';
import type { Acceptable } from './new-message.js';
import { MessagesService, checkSameRequest } from './messages.service.js';
import type { Caller } from './messages.service.js';
import { checkRestrictions } from '../request/restriction.js';

/** Messages of one request: one transaction of some 100 ms. */
const LARGEST = 1_000;
/** Prepared and routed at once: some 10 ms, after which single messages and the next application's bulk have their turn. */
const PIECE = 50;
/** Pieces and commits of bulks that a process has under way: two took no more bulks, and twice the time from single messages. */
const AT_ONCE = 1;
/** Errors told in full; further ones are counted. */
const TOLD = 5;
/** Placeholders' data of all messages of a bulk, in users: what one transaction inserts. */
const MOST_USERS = 10_000;

export interface BulkAcceptance {
  messages: { messageId: string; alert: string; acceptedAt: Date; warnings: string[] }[];
  replayed: boolean;
}

/** Many messages in one request: all of them are kept, or none. */
@Injectable()
export class BulkService {
  private readonly turns = new FairTurns(AT_ONCE, restAfter);

  constructor(
    private readonly applications: ApplicationsService,
    private readonly messages: MessagesService,
    private readonly stored: MessageRepository,
    private readonly writer: MessageWriter,
  ) {}

  /** Throws what a send throws, naming the message by its index; nothing is kept then. */
  acceptBulk(caller: Caller, body: unknown, idempotencyKey: string | undefined): Promise<BulkAcceptance> {
    return Turn.give((turn) => this.acceptInTurns(turn, caller, body, idempotencyKey));
  }

  private async acceptInTurns(
    turn: Turn,
    caller: Caller,
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
    const prepared = await settleAll(list, turn, inTurn, async (each) => this.messages.prepare(each, strict));
    const users = prepared.reduce((sum, { data }) => sum + (data?.size ?? 0), 0);
    if (users > MOST_USERS)
      throw new ApiError('FPWSE0005E', `The messages have data of ${users} users; at most ${MOST_USERS} are possible.`);
    checkMaySend(application);
    const routed = await settleAll(prepared, turn, inTurn, (each) =>
      this.messages.route(application, caller, each, { bulk: true }),
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
        };
      // The same key came in twice at once, or an id is taken, which is rare.
      const first = await this.findEarlier(caller, idempotency);
      if (first) return first;
      for (const { message } of routed) message.id = newMessageId();
    }
  }

  private async findEarlier({ applicationId, clientId }: Caller, idempotency: Idempotency | null) {
    if (!idempotency) return null;
    const first = await this.stored.findByIdempotencyKey(applicationId, clientId, idempotency.key);
    if (!first) return null;
    checkSameRequest(first, idempotency.requestHash);
    const rows = await this.stored.findBulk(applicationId, first.id);
    const messages = rows.map(({ id, alert, acceptedAt }) => ({ messageId: id, alert, acceptedAt, warnings: [] }));
    return { messages, replayed: true };
  }
}

/** A JSON array, or the admin service's wrapper around one. Throws FPWSE0004E, FPWSE0005E. */
function readList(body: unknown): readonly unknown[] {
  const wrapped = (body as { ArrayOfMessageBody?: unknown } | null | undefined)?.ArrayOfMessageBody;
  const list = Array.isArray(body) ? (body as unknown[]) : wrapped;
  if (!Array.isArray(body) && Array.isArray(wrapped)) checkBeside(body as Record<string, unknown>);
  if (!Array.isArray(list)) throw new ApiError('FPWSE0004E', 'The body must be a JSON array of messages.');
  if (list.length === 0) throw new ApiError('FPWSE0005E', 'The array has no message in it.');
  if (list.length > LARGEST)
    throw new ApiError('FPWSE0005E', `The array has ${list.length} messages in it; at most ${LARGEST} are possible.`);
  return list as unknown[];
}

/** What stands beside the list would be passed over, and the messages reach all devices. Throws FPWSE0005E. */
function checkBeside({ ArrayOfMessageBody: _list, ...members }: Record<string, unknown>): void {
  if (members.target !== undefined) throw invalidValue('target', 'it belongs into each of the messages');
  checkRestrictions(members);
}

type InTurn = <R>(work: () => Promise<R>) => Promise<R>;

/** All results, or one error that names those that failed by their index, the first one's code before all. In pieces, each in its turn. */
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

/** A failure is kept as a result at once: the others are not begun yet. */
async function settle<R>(act: Promise<R>): Promise<PromiseSettledResult<R>> {
  try {
    return { status: 'fulfilled', value: await act };
  } catch (reason) {
    return { status: 'rejected', reason };
  }
}

/** The first holds the key for all. */
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
  // Every piece begins a turn of its own: the one before it may have ended in this one.
  await turn.pass();
  const acts: Promise<PromiseSettledResult<R>>[] = [];
  for (const item of piece) {
    if (turn.isOver) await turn.pass();
    acts.push(settle(act(item)));
  }
  return Promise.all(acts);
}
