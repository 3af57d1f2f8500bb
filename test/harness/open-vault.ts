import { openVault } from '../../src/common/vault.js';

/** A process that opens the folder's vault on request, and sends the sealed value. */
process.once('message', () => {
  const sealed = openVault({ dataDir: process.argv[2] ?? '' }).seal('secret', 'test');
  process.send?.(sealed.toString('base64'), () => process.exit());
});
process.send?.('ready');
