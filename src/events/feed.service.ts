import { Injectable } from '@nestjs/common';
import { ApplicationsService } from '../applications/applications.service.js';
import { Clock } from '../common/clock.js';
import { ApiError, invalidValue } from '../common/errors.js';
import { markOf, readCursor, refusePlace, writeCursor } from './cursor.js';
import type { Place } from './cursor.js';
import { EventRepository } from './event.repository.js';
import type { EventPage, PlacedEvent, Wanted } from './event.repository.js';
import type { EventName } from './event-types.js';
import { EventWatch } from './event-watch.js';

/** A stream ends after this time, so that a token that no longer holds reads no further. */
const STREAM_MS = 5 * 60_000;
/** Shorter than the time after which proxies give up a silent answer (nginx: 60 s). */
const KEEP_ALIVE_MS = 15_000;
/** Events per read of a stream. */
const STREAMED = 1_000;

export interface FeedRequest {
  applicationId: string;
  /** A cursor; undefined: from the oldest event that is kept; `latest`: from now on. */
  after: string | undefined;
  types: EventName[] | null;
}

export interface FeedPage {
  events: PlacedEvent[];
  /** The place after the events, or after all that were looked at. */
  cursor: string;
}

/** Reads the events of an application in the order in which they were committed. */
@Injectable()
export class FeedService {
  constructor(
    private readonly applications: ApplicationsService,
    private readonly events: EventRepository,
    private readonly watch: EventWatch,
    private readonly clock: Clock,
  ) {}

  /** Waits up to `waitMs` for the first event. Throws FPWSE0005E or CARIL0410E for the cursor. */
  async read(request: FeedRequest, limit: number, waitMs: number, signal: AbortSignal): Promise<FeedPage> {
    await this.applications.getApplication(request.applicationId);
    const endsAt = this.clock.elapsed() + waitMs;
    let place = readPlace(request.after);
    for (;;) {
      const { events, end } = await this.next(request, place, limit);
      const leftMs = endsAt - this.clock.elapsed();
      if (events.length > 0 || leftMs <= 0 || signal.aborted || this.watch.isOver)
        return { events, cursor: writeCursor(end) };
      place = end;
      await this.watch.wait({ ...request, position: end.position }, leftMs, signal);
    }
  }

  /** Yields `first` and the pages that follow as they come, an empty one after a quarter of a minute without events. */
  async *stream(request: FeedRequest, first: FeedPage, signal: AbortSignal): AsyncGenerator<FeedPage> {
    const endsAt = this.clock.elapsed() + STREAM_MS;
    for (
      let page = first;
      ;
      page = await this.read({ ...request, after: page.cursor }, STREAMED, KEEP_ALIVE_MS, signal)
    ) {
      yield page;
      if (signal.aborted || this.watch.isOver || this.clock.elapsed() > endsAt) return;
    }
  }

  /** The cursor after one event. */
  cursorOf(applicationId: string, { position, eventId }: PlacedEvent): string {
    return writeCursor({ position, mark: markOf(applicationId, eventId) });
  }

  async wanted(applicationId: string): Promise<Wanted> {
    await this.applications.getApplication(applicationId);
    return this.events.wanted(applicationId);
  }

  async want(applicationId: string, wanted: Wanted): Promise<Wanted> {
    await this.applications.getApplication(applicationId);
    await this.events.want(applicationId, wanted);
    return wanted;
  }

  private async next(
    { applicationId, types }: FeedRequest,
    place: Place | 'oldest' | 'latest',
    limit: number,
  ): Promise<{ events: PlacedEvent[]; end: Place }> {
    const isPlace = typeof place === 'object';
    const page = await this.events.read(
      applicationId,
      isPlace ? place.position : null,
      types,
      place === 'latest' ? 0 : limit,
    );
    const refusal = isPlace ? refusePlace(place, applicationId, page) : null;
    if (refusal !== null)
      throw new ApiError('CARIL0410E', `The feed cannot go on from this cursor: ${refusal}. Read without 'after'.`);
    return { events: page.events, end: endOf(applicationId, page) };
  }
}

/** If another page may follow, the place of its last event, else the head, so that a filter does not hold it back. */
function endOf(applicationId: string, { events, head, headEventId, isLast }: EventPage): Place {
  const last = events.at(-1);
  if (last && !isLast) return { position: last.position, mark: markOf(applicationId, last.eventId) };
  return { position: head, mark: markOf(applicationId, headEventId) };
}

function readPlace(after: string | undefined): Place | 'oldest' | 'latest' {
  if (after === undefined) return 'oldest';
  if (after === 'latest') return 'latest';
  const place = readCursor(after);
  if (place === null) throw invalidValue('after', 'it must be a cursor of this feed, or `latest`');
  return place;
}
