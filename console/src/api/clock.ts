/**
 * The server's time: the viewer's clock may be wrong by hours. Each answer has a `Date`, to the second; the middle
 * between request and answer is compared with it.
 */

/** Differences below this are those of the header's second and the network's time. */
const EXACT_MS = 2_000;
/** From here on the page says that the viewer's clock is wrong. */
const WRONG_MS = 60_000;

let offsetMs = 0;

export function noteServerTime(date: string | null, startedAt: number, answeredAt: number): void {
  const server = date === null ? Number.NaN : Date.parse(date);
  if (Number.isNaN(server)) return;
  const offset = server + 500 - (startedAt + answeredAt) / 2;
  offsetMs = Math.abs(offset) < EXACT_MS ? 0 : offset;
}

export function serverNow(): number {
  return Date.now() + offsetMs;
}

/** By how much the viewer's clock is wrong, in ms (behind: positive); null if it is right. */
export function clockError(): number | null {
  return Math.abs(offsetMs) >= WRONG_MS ? offsetMs : null;
}
