import { fileURLToPath } from 'node:url';
import react from '@vitejs/plugin-react';
import { defineConfig } from 'vite';

/** Where `npm run console:dev` finds the API: a Carillon that runs on this machine. */
const CARILLON = process.env.CARILLON ?? 'http://localhost:9080';

export default defineConfig({
  root: fileURLToPath(new URL('.', import.meta.url)),
  base: '/console/',
  plugins: [react()],
  // src/console/ puts a new nonce in its place with each answer.
  html: { cspNonce: '__CSP_NONCE__' },
  build: {
    outDir: fileURLToPath(new URL('../dist/console/page', import.meta.url)),
    emptyOutDir: true,
    target: 'es2022',
    // Browsers of 2024 and newer have light-dark(); an older target takes it out.
    cssTarget: ['chrome123', 'firefox120', 'safari17.5'],
    // Sizes are held by scripts/sizes.mjs.
    reportCompressedSize: false,
    // The policy of the page allows no data: scripts, and a small picture is a file as well.
    assetsInlineLimit: 0,
    chunkSizeWarningLimit: 1_000,
    // One file for the modules that every page needs, one for what two screens or more share, and one for each screen:
    // with many small files gzip saves less. The dictionaries need the formats of numbers before the first screen.
    rolldownOptions: {
      output: {
        codeSplitting: {
          groups: [
            { name: 'format', test: /parts\/format\.ts/, priority: 2 },
            { name: 'first', tags: ['$initial'], priority: 1 },
            { name: 'shared', minShareCount: 2 },
          ],
        },
      },
    },
  },
  server: {
    proxy: Object.fromEntries(
      ['/imfpush', '/mfpadmin', '/health', '/doc', '/console/api'].map((path) => [path, { target: CARILLON }]),
    ),
  },
});
