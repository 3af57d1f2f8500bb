import { Button, Tooltip } from '@mantine/core';
import type { ButtonProps } from '@mantine/core';
import { useSuspenseQuery } from '@tanstack/react-query';
import type { MouseEvent, ReactNode } from 'react';
import { mayDo, sessionQuery } from '../api/session';
import type { Session } from '../api/session';
import { texts } from '../texts/texts';

/** The session of the viewer. Inside of the shell only, which is drawn for a session. */
export function useSession(): Session {
  const { data } = useSuspenseQuery(sessionQuery);
  // Ended a moment ago: the shell asks to sign in, what is on the screen stays.
  return data ?? NOBODY;
}

const NOBODY: Session = {
  kind: 'client',
  id: '',
  name: '',
  email: null,
  scope: [],
  grants: [],
  applications: [],
  idleEndsAt: '',
  endsAt: '',
};

/** Whether the viewer may do what wants this scope element (of several, one), in the application if one is given. */
export function useMay(element: string | readonly string[], applicationId?: string): boolean {
  const session = useSession();
  return [element].flat().some((each) => mayDo(session, each, applicationId));
}

interface ScopedButtonProps extends ButtonProps {
  /** The scope element that the action wants; of several, one, and the first is told. */
  needs: string | readonly string[];
  applicationId?: string;
  onClick: (event: MouseEvent<HTMLButtonElement>) => void;
  type?: 'button' | 'submit';
  children: ReactNode;
}

/** A button that is not hidden without its scope, but says which scope is missing; focus reaches it all the same. */
export function ScopedButton({ needs, applicationId, onClick, disabled, ...props }: ScopedButtonProps) {
  const may = useMay(needs, applicationId);
  const missing = texts.states.missingScope([needs].flat()[0] ?? '');
  if (may) return <Button disabled={disabled} onClick={onClick} {...props} />;
  return (
    <Tooltip label={missing} events={{ hover: true, focus: true, touch: true }}>
      <Button
        {...props}
        type="button"
        data-disabled
        aria-disabled
        aria-description={missing}
        onClick={(event) => event.preventDefault()}
      />
    </Tooltip>
  );
}
