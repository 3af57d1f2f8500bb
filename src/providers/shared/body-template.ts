import type { Notification } from '../notification.js';
import type { Verdict } from '../provider.js';
import { RECEIPT_TOKEN, mapTexts, replaceSpots, valueOf } from '../placeholders.js';
import type { Values } from '../placeholders.js';
import { escapeXml } from './xml.js';

/**
 * Bodies that differ only by their placeholders: built once per notification by the provider's function, and filled in
 * per delivery. Each placeholder is built as a mark that contains a quotation mark; the escaped form of the quotation
 * mark tells how a value must be escaped there (JSON, JSON within JSON, XML).
 */

/** Noncharacters (Unicode §23.7): no text contains them, and JSON and XML do not escape them. */
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
  /** Texts and holes in turn, starting and ending with a text. */
  private readonly texts: string[] = [];
  private readonly holes: Hole[] = [];

  /** Null for a notification without placeholders and receipt token. `build` makes the body of a notification. */
  static of(notification: Notification, build: (marked: Notification) => Buffer | string): BodyTemplate | null {
    const { placeholders, receiptToken } = notification;
    if (!placeholders?.length && receiptToken === undefined) return null;
    const spots: Spot[] = [];
    const mark = (name: string, preset: string): string => `${BEGIN}${spots.push({ name, preset }) - 1}"${END}`;
    const filled = placeholders?.length ? mapTexts(notification, (text) => replaceSpots(text, mark)) : notification;
    const marked = receiptToken === undefined ? filled : { ...filled, receiptToken: mark(RECEIPT_TOKEN, '') };
    return new BodyTemplate(build(marked).toString(), spots);
  }

  private constructor(body: string, spots: readonly Spot[]) {
    let from = 0;
    for (const { 0: mark, 1: index, 2: slashes = '', 3: quote, index: at } of body.matchAll(MARK)) {
      const spot = spots[Number(index)];
      // A caller's text that looks like a mark is not one.
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

/** A quotation mark is `\"` in JSON and `\\\"` in JSON within JSON: each level doubles the backslashes and adds one. */
function escapeFor(slashes: number, inXml: boolean): (value: string) => string {
  const times = Math.log2(slashes + 1);
  return (value) => {
    let escaped = value;
    for (let time = 0; time < times; time++) escaped = JSON.stringify(escaped).slice(1, -1);
    return inXml ? escapeXml(escaped) : escaped;
  };
}

/** The verdict if the filled-in body is larger than the provider's limit. */
export function tooLarge(bytes: number, limit: number): Verdict {
  return { action: 'fail', reason: `the message is ${bytes} bytes, the provider takes ${limit}` };
}
