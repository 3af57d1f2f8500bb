import { parentPort } from 'node:worker_threads';
import { encryptMessage } from './web-push.encryption.js';

/** The encrypting thread: takes a batch and answers its bodies in order. */

export interface EncryptionJob {
  plaintext: Uint8Array;
  userPublicKey: Uint8Array;
  userAuth: Uint8Array;
}
/** Undefined if the browser's key is not on the curve. */
export type EncryptedBody = Uint8Array | undefined;

parentPort?.on('message', (jobs: EncryptionJob[]) => {
  const bodies: EncryptedBody[] = jobs.map(({ plaintext, userPublicKey, userAuth }) =>
    encryptMessage(plaintext, userPublicKey, userAuth),
  );
  parentPort?.postMessage(bodies);
});
