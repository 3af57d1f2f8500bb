import type { en } from './en';
import { language } from './language';

/** A dictionary has the members of the English one; a member is a text, or a function of the values in the text. */
export type Texts = typeof en;

/** Set before the first screen is drawn; to be read inside of components and functions only. */
export let texts: Texts;

export async function loadTexts(): Promise<void> {
  texts = language === 'de' ? (await import('./de')).de : (await import('./en')).en;
  document.documentElement.lang = language;
}
