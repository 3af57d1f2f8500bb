import { Modal, Text } from '@mantine/core';
import { useQueryClient } from '@tanstack/react-query';
import { useEffect, useState } from 'react';
import { onSignedOut } from '../api/client';
import { sessionQuery } from '../api/session';
import type { Session } from '../api/session';
import { useSession } from '../parts/scoped';
import { SignInForm } from '../parts/sign-in-form';
import { texts } from '../texts/texts';

/**
 * The session ended while a screen was open: a sign-in over the screen, so that what was typed below stays. If somebody
 * else signs in, the page is loaded again and shows nothing of the one before.
 */
export function SignedOut() {
  const queries = useQueryClient();
  const session = useSession();
  const [was] = useState(session);
  const [isOut, setOut] = useState(false);
  useEffect(() => onSignedOut(() => setOut(true)), []);
  const signedIn = (next: Session): void => {
    if (next.kind !== was.kind || next.id !== was.id) return location.assign('/console/');
    queries.setQueryData(sessionQuery.queryKey, next);
    setOut(false);
    void queries.invalidateQueries();
  };
  return (
    <Modal
      opened={isOut || session.id === ''}
      onClose={() => undefined}
      withCloseButton={false}
      closeOnEscape={false}
      closeOnClickOutside={false}
      title={texts.signIn.ended}
      centered
    >
      <Text size="sm" c="dimmed" mb="md">
        {texts.signIn.endedKept}
      </Text>
      <SignInForm onSignedIn={signedIn} to={location.pathname + location.search + location.hash} />
    </Modal>
  );
}
