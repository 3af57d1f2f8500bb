import { Anchor, createTheme } from '@mantine/core';
import type { CSSVariablesResolver } from '@mantine/core';

/** Contrast of 4.5 to 1 in light and dark: text colours are one step from Mantine's own. */
export const theme = createTheme({
  primaryColor: 'indigo',
  primaryShade: { light: 8, dark: 8 },
  autoContrast: true,
  luminanceThreshold: 0.36,
  respectReducedMotion: true,
  fontFamily: 'system-ui, -apple-system, "Segoe UI", Roboto, sans-serif',
  cursorType: 'pointer',
  // A link in a text or a cell has the size of that text.
  components: { Anchor: Anchor.extend({ defaultProps: { inherit: true } }) },
});

/** Links on the row under the mouse have a contrast of 4.5 to 1 in dark as well. */
export const colours: CSSVariablesResolver = () => ({
  variables: {},
  light: {},
  dark: { '--mantine-color-anchor': 'var(--mantine-color-indigo-2)' },
});

/** Vite writes the nonce of the page into a meta element; scripts read the property, not the attribute. */
export function styleNonce(): string {
  return document.querySelector<HTMLMetaElement>('meta[property="csp-nonce"]')?.nonce ?? '';
}
