import { Anchor } from '@mantine/core';
import { Link } from '@tanstack/react-router';
import { Empty } from '../parts/states';
import { texts } from '../texts/texts';

export function NotFound() {
  return (
    <Empty
      title={texts.shell.noSuchPage}
      action={
        <Anchor component={Link} to="/">
          {texts.shell.toOverview}
        </Anchor>
      }
    />
  );
}
