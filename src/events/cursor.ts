import { createHash } from 'node:crypto';

/** A place in the feed of one application: after the event at `position`. */
export interface Place {
  position: number;
  /** Of the event at the position and of the application: a cursor of another feed has another mark. */
  mark: string;
}

const FORM = /^([0-9a-z]{1,11})-([0-9a-f]{12})$/;

/** `eventId`: of the event at the position; null if that event is no longer kept, or before the first event. */
export function markOf(applicationId: string, eventId: string | null): string {
  return createHash('sha256').update(`${applicationId}/${eventId}`).digest('hex').slice(0, 12);
}

export function writeCursor({ position, mark }: Place): string {
  return `${position.toString(36)}-${mark}`;
}

/** Null: not the form of a cursor. */
export function readCursor(text: string): Place | null {
  const [, number, mark] = FORM.exec(text) ?? [];
  if (number === undefined || mark === undefined) return null;
  const position = Number.parseInt(number, 36);
  return Number.isSafeInteger(position) ? { position, mark } : null;
}

/** The feed as it stands at a read. */
export interface Standing {
  /** The last position that was given. */
  head: number;
  /** The last position that was removed because of its age. */
  removed: number;
  /** Of the event at the cursor's position; null if it is not kept. */
  eventId: string | null;
}

/** Why the feed cannot go on from a place, or null. */
export function refusePlace(place: Place, applicationId: string, { head, removed, eventId }: Standing): string | null {
  if (place.position > head) return 'it is of another feed, or the database was restored from a backup';
  if (place.position < removed) return 'events after it are no longer kept';
  const isKnown = eventId === null || place.mark === markOf(applicationId, eventId);
  return isKnown ? null : 'it is of another feed, or the database was restored from a backup';
}
