import type { Notification } from '../notification.js';
import type { Verdict } from '../provider.js';
import { mapTexts, replaceSpots, valueOf } from '../placeholders.js';
import type { Values } from '../placeholders.js';
import { escapeXml } from './xml.js';

/**
 * Bodies that differ by their placeholders alone: built once per notification by the provider's own function, and filled in
 * for each delivery. A mark goes through that function in place of each placeholder. It holds a quote, and what became of
 * the quote says how a value must be escaped there: JSON, JSON within JSON, XML.
 */

/** Noncharacters, which no text has (Unicode §23.7), and JSON and XML pass as they are. */
const [BEGIN, END] = ['\ufdd0', '\ufdd1'];
const MARK = /\ufdd0(\d+)(\\*)("|&quot;)\ufdd1/g;

interface Spot {
  name: string;
  preset: string;
}

interface Hole extends Spot {
  escape: (value: string) => string;
}

export class BodyTemplate {
  /** Texts and holes in turn; the first and the last are texts. */
  private readonly texts: string[] = [];
  private readonly holes: Hole[] = [];

  /** Null for a notification without placeholders. `build` makes the body of one. */
  static of(notification: Notification, build: (marked: Notification) => Buffer | string): BodyTemplate | null {
    if (!notification.placeholders?.length) return null;
    const spots: Spot[] = [];
    const marked = mapTexts(notification, (text) =>
      replaceSpots(text, (name, preset) => `${BEGIN}${spots.push({ name, preset }) - 1}"${END}`),
    );
    return new BodyTemplate(build(marked).toString(), spots);
  }

  private constructor(body: string, spots: readonly Spot[]) {
    let from = 0;
    for (const { 0: mark, 1: index, 2: slashes = '', 3: quote, index: at } of body.matchAll(MARK)) {
      const spot = spots[Number(index)];
      // Somebody's own text may look like a mark: then it is one.
      if (!spot) continue;
      this.texts.push(body.slice(from, at));
      this.holes.push({ ...spot, escape: escapeFor(slashes.length, quote === '&quot;') });
      from = at + mark.length;
    }
    this.texts.push(body.slice(from));
  }

  fill(values: Values): Buffer {
    let body = this.texts[0] ?? '';
    for (const [index, { name, preset, escape }] of this.holes.entries())
      body += escape(valueOf(values, name, preset)) + this.texts[index + 1];
    return Buffer.from(body);
  }
}

/** A quote is `\"` in JSON, `\\\"` in JSON within JSON: one escape more doubles the backslashes and adds one. */
function escapeFor(slashes: number, inXml: boolean): (value: string) => string {
  const times = Math.log2(slashes + 1);
  return (value) => {
    let escaped = value;
    for (let time = 0; time < times; time++) escaped = JSON.stringify(escaped).slice(1, -1);
    return inXml ? escapeXml(escaped) : escaped;
  };
}

/** Filled in, the body is larger than the provider takes. */
export function tooLarge(bytes: number, limit: number): Verdict {
  return { action: 'fail', reason: `the message is ${bytes} bytes, the provider takes ${limit}` };
}
