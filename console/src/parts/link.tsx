import { Anchor } from '@mantine/core';
import type { AnchorProps } from '@mantine/core';
import { createLink } from '@tanstack/react-router';
import type { AnchorHTMLAttributes, Ref } from 'react';

interface PlainLinkProps extends Omit<AnchorHTMLAttributes<HTMLAnchorElement>, keyof AnchorProps>, AnchorProps {
  ref?: Ref<HTMLAnchorElement>;
}

/** A link to a screen: `to` and `params` are held by the routes of app/router.tsx. */
export const ScreenLink = createLink((props: PlainLinkProps) => <Anchor {...props} />);
