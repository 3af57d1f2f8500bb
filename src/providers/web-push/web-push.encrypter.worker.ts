import { parentPort } from 'node:worker_threads';
import { encryptMessage } from './web-push.encryption.js';

/** The thread that encrypts: a batch in, its bodies out, in order. */

export interface EncryptionJob {
  plaintext: Uint8Array;
  userPublicKey: Uint8Array;
  userAuth: Uint8Array;
}
/** Undefined where the browser's key is no point of the curve. */
export type EncryptedBody = Uint8Array | undefined;

parentPort?.on('message', (jobs: EncryptionJob[]) => {
  const bodies: EncryptedBody[] = jobs.map(({ plaintext, userPublicKey, userAuth }) =>
    encryptMessage(plaintext, userPublicKey, userAuth),
  );
  parentPort?.postMessage(bodies);
});
