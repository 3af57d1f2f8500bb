import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vite';

/** One classic script, because `importScripts` takes no module. */
export default defineConfig({
  root: fileURLToPath(new URL('.', import.meta.url)),
  build: {
    outDir: fileURLToPath(new URL('../dist/sdk/page', import.meta.url)),
    emptyOutDir: true,
    // Safari 16.4 is the first with Web Push.
    target: ['es2022', 'safari16.4'],
    lib: { entry: 'src/main.ts', formats: ['iife'], name: 'carillon', fileName: () => 'carillon-web-push.js' },
  },
});
