import { openVault } from '../../src/common/vault.js';

/** A process that opens the vault of the folder when it is told to, and sends what it sealed. */
process.once('message', () => {
  const sealed = openVault({ dataDir: process.argv[2] ?? '' }).seal('secret', 'test');
  process.send?.(sealed.toString('base64'), () => process.exit());
});
process.send?.('ready');
