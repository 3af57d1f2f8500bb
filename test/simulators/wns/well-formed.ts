/** A reader of XML 1.0 without document types, as strict as WNS. */

const NAME = String.raw`[A-Za-z_][\w.-]*`;
const REFERENCE = String.raw`&(?:amp|lt|gt|quot|apos|#\d+|#x[\da-fA-F]+);`;
const ATTRIBUTE = String.raw`\s+(${NAME})\s*=\s*(?:"((?:[^<&"]|${REFERENCE})*)"|'((?:[^<&']|${REFERENCE})*)')`;
const TAG = new RegExp(String.raw`<(/?)(${NAME})((?:${ATTRIBUTE})*)\s*(/?)>`, 'y');
const TEXT = new RegExp(String.raw`(?:[^<&]|${REFERENCE})+`, 'y');
const DECLARATION = /^<\?xml\s[^?<]*\?>\s*/;
// oxlint-disable-next-line no-control-regex -- control characters are what it is about
const FORBIDDEN = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]/;

export interface XmlElement {
  name: string;
  attributes: Record<string, string>;
  children: XmlElement[];
  /** The element's own text, joined. */
  text: string;
}

/** The root element of a well-formed document; null for anything else. */
export function readXml(bytes: Buffer): XmlElement | null {
  const text = bytes.toString('utf8');
  if (FORBIDDEN.test(text) || !Buffer.from(text).equals(bytes)) return null;
  const source = text.replace(DECLARATION, '').trim();
  const open: XmlElement[] = [];
  let root: XmlElement | null = null;
  for (let at = 0; at < source.length;) {
    TAG.lastIndex = TEXT.lastIndex = at;
    const tag = TAG.exec(source);
    if (!tag) {
      const within = open.at(-1);
      if (!within || !TEXT.test(source)) return null;
      within.text += unescape(source.slice(at, TEXT.lastIndex));
      at = TEXT.lastIndex;
      continue;
    }
    at = TAG.lastIndex;
    const [, closing, name = '', attributes = ''] = tag;
    if (closing) {
      if (open.pop()?.name !== name || attributes !== '') return null;
      continue;
    }
    if (open.length === 0 && root) return null;
    const read = readAttributes(attributes);
    if (!read) return null;
    const element: XmlElement = { name, attributes: read, children: [], text: '' };
    open.at(-1)?.children.push(element);
    root ??= element;
    if (tag.at(-1) !== '/') open.push(element);
  }
  return open.length === 0 ? root : null;
}

/** Null if an attribute is repeated. */
function readAttributes(source: string): Record<string, string> | null {
  const attributes: Record<string, string> = {};
  for (const [, name = '', double, single] of source.matchAll(new RegExp(ATTRIBUTE, 'g'))) {
    if (Object.hasOwn(attributes, name)) return null;
    attributes[name] = unescape(double ?? single ?? '');
  }
  return attributes;
}

const NAMED: Readonly<Record<string, string>> = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'" };

function unescape(value: string): string {
  return value.replace(/&(?:(\w+)|#(\d+)|#x([\da-fA-F]+));/g, (_all, name?: string, decimal?: string, hex?: string) =>
    name === undefined
      ? String.fromCodePoint(decimal === undefined ? parseInt(hex ?? '', 16) : Number(decimal))
      : (NAMED[name] ?? ''),
  );
}
