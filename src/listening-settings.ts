import type { Setting } from './setting.js';

/** The settings of addresses and TLS of this server: a part of the list in settings.ts. */

export const LISTENING_SETTINGS: readonly Setting[] = [
  {
    name: 'PUBLIC_URL',
    fallback: '',
    meaning:
      'address at which callers reach this installation (`https://push.example.com`): the audience of assertions of clients with keys (`private_key_jwt`); empty: in development `http://localhost:PORT`, in production such clients get no tokens',
  },
];
