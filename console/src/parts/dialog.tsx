import { Button, Group, Modal, Stack } from '@mantine/core';
import { useEffect, useState } from 'react';
import type { ReactNode } from 'react';
import { texts } from '../texts/texts';
import { FailedAct } from './states';

interface DialogProps {
  title: string;
  close: () => void;
  /** Mantine's width of a modal. */
  size?: string;
  children: ReactNode;
}

/** Gives the focus back, when a dialog is taken off the page, to its opener; if that is gone, to the screen. */
export function useFocusBack(): void {
  // Read while the dialog is first drawn: its own effects move the focus.
  const [opener] = useState(() => document.activeElement);
  useEffect(
    () => () => {
      const next = opener?.isConnected ? opener : document.getElementById('main');
      if (next instanceof HTMLElement) next.focus({ preventScroll: true });
    },
    [opener],
  );
}

/** A dialog that its cross and Escape close. The caller mounts it to open it. */
export function Dialog({ title, close, size, children }: DialogProps) {
  useFocusBack();
  return (
    <Modal opened onClose={close} title={title} size={size} closeButtonProps={{ 'aria-label': texts.close }}>
      {children}
    </Modal>
  );
}

interface ActProps {
  close: () => void;
  /** The mutation of the act: its failure is shown above the buttons, and while it runs a second press does nothing. */
  of: { error: Error | null; isPending: boolean };
  act: () => void;
  label: string;
  color?: string;
  disabled?: boolean;
  /** The text of the button that only closes; "Cancel" by default. */
  keep?: string;
  /** A second way to act, between the two buttons. */
  other?: ReactNode;
  children: ReactNode;
}

/** The question of a dialog, with the row "Cancel", "Do it". Enter in a field acts. */
export function Act({ close, of, act, label, color, disabled, keep = texts.cancel, other, children }: ActProps) {
  return (
    <form
      autoComplete="off"
      onSubmit={(event) => {
        event.preventDefault();
        if (!of.isPending && !disabled) act();
      }}
    >
      <Stack>
        {children}
        {of.error && <FailedAct error={of.error} />}
        <Group justify="flex-end">
          <Button variant="default" onClick={close}>
            {keep}
          </Button>
          {other}
          <Button type="submit" color={color} loading={of.isPending} disabled={disabled}>
            {label}
          </Button>
        </Group>
      </Stack>
    </form>
  );
}
