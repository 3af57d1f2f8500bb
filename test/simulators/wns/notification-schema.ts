import type { XmlElement } from './well-formed.js';

/**
 * Windows' toast, tile and badge schemas (Microsoft: "Toast schema", "Tile schema", "Badge schema"). WNS accepts any
 * well-formed document and Windows drops invalid ones, so the simulator accepts them: tests check against this schema.
 */

interface ElementSchema {
  attributes: Readonly<Record<string, RegExp>>;
  required?: readonly string[];
  children?: Readonly<Record<string, ElementSchema>>;
  /** Whether the element may have text. */
  text?: true;
}

const ANY = /^/;
const WHOLE = /^\d+$/;
const FLAG = /^(true|false)$/;

const IMAGE: ElementSchema = {
  attributes: {
    id: WHOLE,
    src: ANY,
    alt: ANY,
    addImageQuery: FLAG,
    placement: /^(appLogoOverride|hero|background|peek|inline)$/,
  },
  required: ['src'],
};
const TEXT: ElementSchema = { attributes: { id: WHOLE, lang: ANY }, text: true };

const SHARED = { lang: ANY, baseUri: ANY, addImageQuery: FLAG };
const IN_TOAST = { ...SHARED, branding: /^(none|logo|name)$/ };
const IN_TILE = { ...SHARED, branding: /^(none|logo|name|nameAndLogo)$/, contentId: ANY };

function visual(shared: Readonly<Record<string, RegExp>>): ElementSchema {
  const binding = { attributes: { template: ANY, fallback: ANY, ...shared }, required: ['template'] };
  return {
    attributes: { version: WHOLE, ...shared },
    children: { binding: { ...binding, children: { image: IMAGE, text: TEXT } } },
  };
}

export const NOTIFICATIONS: Readonly<Record<string, ElementSchema>> = {
  toast: {
    attributes: {
      launch: ANY,
      duration: /^(short|long)$/,
      displayTimestamp: ANY,
      scenario: /^(reminder|alarm|incomingCall|urgent)$/,
    },
    children: { visual: visual(IN_TOAST), audio: { attributes: { src: ANY, loop: FLAG, silent: FLAG } } },
  },
  tile: { attributes: {}, children: { visual: visual(IN_TILE) } },
  badge: {
    attributes: {
      version: WHOLE,
      value:
        /^(\d+|none|activity|alarm|alert|attention|available|away|busy|error|newMessage|paused|playing|unavailable)$/,
    },
    required: ['value'],
  },
};

/** The first place where a document violates its schema; null if it is valid. */
export function findXmlFault({ name, attributes, children, text }: XmlElement, known = NOTIFICATIONS): string | null {
  const schema = known[name];
  if (!schema) return `<${name}> is unknown`;
  for (const [attribute, value] of Object.entries(attributes)) {
    const form = schema.attributes[attribute];
    if (!form) return `<${name}> has no ${attribute}`;
    if (!form.test(value)) return `${attribute} of <${name}> is ${value}`;
  }
  const missing = schema.required?.find((attribute) => !(attribute in attributes));
  if (missing !== undefined) return `${missing} of <${name}> is missing`;
  if (text !== '' && !schema.text) return `<${name}> has text`;
  for (const child of children) {
    const fault = findXmlFault(child, schema.children ?? {});
    if (fault !== null) return fault;
  }
  return null;
}
