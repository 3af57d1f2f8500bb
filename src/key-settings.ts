import type { Setting } from './setting.js';

/** The settings of the master key and the first client: a part of the list in settings.ts. */
export const KEY_SETTINGS: readonly Setting[] = [
  {
    name: 'MASTER_KEY',
    fallback: '',
    isSecret: true,
    meaning:
      '32 bytes in base64 that encrypt provider credentials and signing keys; required with `DATABASE_URL` or in production',
  },
  {
    name: 'MASTER_KEY_COMMAND',
    fallback: '',
    meaning:
      'command for the shell that prints the master key, in place of `MASTER_KEY` (`vault kv get -field=key secret/carillon`); each process runs it at its start and waits for at most 30 s',
  },
  {
    name: 'MASTER_KEY_PREVIOUS',
    fallback: '',
    isSecret: true,
    meaning:
      'second key that opens stored values, while the master key is changed: the key before, or the one to come (the procedure is in the [operating guide](../docs/operations.md#change-of-the-master-key))',
  },
  {
    name: 'ADMIN_CLIENT_ID',
    fallback: '',
    meaning: 'id of a confidential client with allowed scope `*`, created at start if it does not exist',
  },
  {
    name: 'ADMIN_CLIENT_SECRET',
    fallback: '',
    isSecret: true,
    meaning:
      'first secret of this client, in production of at least 16 characters; required with `ADMIN_CLIENT_ID`, and ignored once the client exists',
  },
];
