import { useRef } from 'react';
import { newKey } from './random';
import { isSame } from './same';

/**
 * The Idempotency-Key of a request: equal requests have one key until one has an answer, so a press after a lost answer
 * acts no second time.
 */
export function useOnce(): { keyOf: (request: unknown) => string; answered: () => void } {
  const tried = useRef<{ request: unknown; key: string } | null>(null);
  return {
    keyOf: (request) => {
      if (!tried.current || !isSame(tried.current.request, request)) tried.current = { request, key: newKey() };
      return tried.current.key;
    },
    answered: () => {
      tried.current = null;
    },
  };
}
