import { useState } from 'react';
import { useSession } from './scoped';

/**
 * State of a form that survives a reload, the end of the session and a sign-in elsewhere: kept in this tab's storage
 * under the name of the signed-in, so that another person who signs in here does not see it.
 */
export function useDraft<T>(name: string, initial: T): [T, (next: T) => void, () => void] {
  const { kind, id } = useSession();
  const [owner] = useState(`${kind}:${id}`);
  const key = `carillon-draft:${owner}:${name}`;
  const [draft, setDraft] = useState<T>(() => (stored(key) as T | null) ?? initial);
  return [
    draft,
    (next) => {
      setDraft(next);
      sessionStorage.setItem(key, JSON.stringify(next));
    },
    () => {
      setDraft(initial);
      sessionStorage.removeItem(key);
    },
  ];
}

function stored(key: string): unknown {
  const text = sessionStorage.getItem(key);
  try {
    return text === null ? null : JSON.parse(text);
  } catch {
    return null;
  }
}
