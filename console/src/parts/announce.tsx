import { VisuallyHidden } from '@mantine/core';
import { useEffect, useRef, useState } from 'react';

const AT_MOST_EVERY_MS = 10_000;

/**
 * Reads out a text that changes all the time: at most every ten seconds, and at once when it is `final`. The figures on
 * the screen themselves are no live region.
 */
export function Announce({ text, final = false }: { text: string; final?: boolean }) {
  const [said, setSaid] = useState('');
  const last = useRef(Number.NEGATIVE_INFINITY);
  useEffect(() => {
    const wait = final ? 0 : Math.max(0, last.current + AT_MOST_EVERY_MS - performance.now());
    const timer = setTimeout(() => {
      last.current = performance.now();
      setSaid(text);
    }, wait);
    return () => clearTimeout(timer);
  }, [final, text]);
  return (
    <VisuallyHidden role="status" aria-live="polite">
      {said}
    </VisuallyHidden>
  );
}
