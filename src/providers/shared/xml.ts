/** The part of XML 1.0 that a notification needs. No text of a message can become markup. */

const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  // A parser reads a literal tab or line feed in an attribute as a space, and a carriage return as a line feed.
  '\t': '&#9;',
  '\n': '&#10;',
  '\r': '&#13;',
};
/** XML 1.0 §2.2: a parser refuses a document with one of these characters, even as a reference. */
// oxlint-disable-next-line no-control-regex -- control characters are what it is about
const UNSPEAKABLE = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]|\p{Surrogate}/gu;

/** Escapes text for an element's content or an attribute; leaves out characters that XML does not allow. */
export function escapeXml(text: string): string {
  return text.replace(UNSPEAKABLE, '').replace(/[&<>"\t\n\r]/g, (character) => ENTITIES[character] ?? character);
}

/**
 * An element. Names are ours, attribute values are escaped here, children are already elements. An attribute that is
 * not text, a number or a boolean is left out.
 */
export function element(name: string, attributes: Record<string, unknown>, children: string): string {
  const written = Object.entries(attributes)
    .filter(([, value]) => typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean')
    .map(([attribute, value]) => ` ${attribute}="${escapeXml(String(value))}"`)
    .join('');
  return children === '' ? `<${name}${written}/>` : `<${name}${written}>${children}</${name}>`;
}
