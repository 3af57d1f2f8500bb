export const LANGUAGES = { en: 'English', de: 'Deutsch' } as const;
export type Language = keyof typeof LANGUAGES;

const KEY = 'carillon-language';

/** The chosen one, or the first of the browser's that there is. */
export const language: Language = chosenLanguage();

/** As the viewer's country writes numbers and times: `en-GB` and not `en`, if the browser says so. */
export const locale: string =
  typeof navigator === 'undefined'
    ? language
    : (navigator.languages.find((tag) => tag.startsWith(language)) ?? language);

/** The page is loaded again in the other language; the drafts of a form are kept (parts/draft.ts). */
export function chooseLanguage(next: Language): void {
  localStorage.setItem(KEY, next);
  location.reload();
}

function chosenLanguage(): Language {
  // Unit tests have no browser.
  if (typeof localStorage === 'undefined') return 'en';
  const wanted = [localStorage.getItem(KEY), ...navigator.languages].map((tag) => tag?.slice(0, 2));
  return wanted.find((tag): tag is Language => tag !== undefined && tag in LANGUAGES) ?? 'en';
}
