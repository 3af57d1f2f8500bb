/**
 * - `unsupported`: the browser lacks a part
 * - `permission`: the person has not allowed notifications
 * - `worker`: the service worker could not be registered, or another worker has its scope
 * - `subscription`: the push service gave no subscription
 * - `backend`: the site's backend could not be reached, or did not answer 2xx
 */
type Code = 'unsupported' | 'permission' | 'worker' | 'subscription' | 'backend';

export class PushError extends Error {
  constructor(
    readonly code: Code,
    message: string,
  ) {
    super(message);
    this.name = 'PushError';
  }
}
