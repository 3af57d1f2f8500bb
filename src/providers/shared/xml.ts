/** The little of XML 1.0 that a notification needs, built so that nothing of a message can become markup. */

const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  // Literal, a parser would read these as a space in an attribute, or a carriage return as a line feed anywhere.
  '\t': '&#9;',
  '\n': '&#10;',
  '\r': '&#13;',
};
/** XML 1.0 §2.2: a document with one of these is refused whole, even written as a reference. */
// oxlint-disable-next-line no-control-regex -- control characters are what it is about
const UNSPEAKABLE = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]|\p{Surrogate}/gu;

/** Text fit for an element's content or an attribute; what XML cannot carry is left out. */
export function escapeXml(text: string): string {
  return text.replace(UNSPEAKABLE, '').replace(/[&<>"\t\n\r]/g, (character) => ENTITIES[character] ?? character);
}

/**
 * An element; names are ours, values and `content` of attributes are escaped here, children are elements already.
 * An attribute that is neither text, number nor boolean is left out.
 */
export function element(name: string, attributes: Record<string, unknown>, children: string): string {
  const written = Object.entries(attributes)
    .filter(([, value]) => typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean')
    .map(([attribute, value]) => ` ${attribute}="${escapeXml(String(value))}"`)
    .join('');
  return children === '' ? `<${name}${written}/>` : `<${name}${written}>${children}</${name}>`;
}
