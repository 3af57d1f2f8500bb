import { ActionIcon, Modal, NavLink, Stack, Text, TextInput, UnstyledButton } from '@mantine/core';
import { useDebouncedValue, useDisclosure, useHotkeys } from '@mantine/hooks';
import { IconSearch } from '@tabler/icons-react';
import { useQuery, useSuspenseQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { useState } from 'react';
import { startQuery } from '../api/session';
import { Failing, Loading } from '../parts/states';
import { texts } from '../texts/texts';
import { useApplication, useApplications } from './application';
import { findById, MOST } from './find-by-id';

const PAUSE_MS = 200;

/** Finds anything by its id: Ctrl K. */
export function Search() {
  const [open, { open: show, close }] = useDisclosure(false);
  useHotkeys([['mod+K', show]], []);
  return (
    <>
      <UnstyledButton visibleFrom="md" onClick={show} aria-keyshortcuts="Control+K">
        <TextInput
          component="span"
          size="xs"
          w={180}
          leftSection={<IconSearch size={14} aria-hidden />}
          styles={{ input: { cursor: 'pointer', lineHeight: '1.75rem' } }}
        >
          {texts.search.hint}
        </TextInput>
      </UnstyledButton>
      <ActionIcon variant="default" size="md" hiddenFrom="md" onClick={show} aria-label={texts.search.open}>
        <IconSearch size={18} />
      </ActionIcon>
      <Modal opened={open} onClose={close} title={texts.search.title} closeButtonProps={{ 'aria-label': texts.close }}>
        <Finder onChoose={close} />
      </Modal>
    </>
  );
}

function Finder({ onChoose }: { onChoose: () => void }) {
  const [text, setText] = useState('');
  const [id] = useDebouncedValue(text.trim(), PAUSE_MS);
  const application = useApplication();
  const { runtimeName } = useSuspenseQuery(startQuery).data;
  const all = useApplications();
  const applications = application === null ? all.data : [application];
  const found = useQuery({
    queryKey: ['search', applications, id],
    queryFn: ({ signal }) => findById(id, runtimeName, applications ?? [], signal),
    enabled: id !== '' && applications !== undefined,
  });
  const isAsked = id !== '' && (found.isFetching || (applications === undefined && !all.isError));
  const problem = id === '' ? null : (found.error ?? (applications === undefined ? all.error : null));
  return (
    <Stack>
      <TextInput
        data-autofocus
        aria-label={texts.search.label}
        placeholder={texts.search.label}
        value={text}
        onChange={(event) => setText(event.currentTarget.value)}
      />
      <div aria-live="polite">
        {isAsked && <Loading lines={2} />}
        {!isAsked && problem && <Failing error={problem} retry={() => void (found.error ? found : all).refetch()} />}
        {!isAsked &&
          found.data?.map(({ kind, label, path, search }) => (
            <NavLink
              key={path}
              component={Link}
              to={path}
              // The routes are of many types.
              search={search as never}
              label={label}
              description={texts.search.kinds[kind]}
              onClick={onChoose}
            />
          ))}
        {!isAsked && found.data?.length === 0 && (
          <Text c="dimmed">
            {texts.search.nothing(id)}
            {(applications?.length ?? 0) > MOST && ` ${texts.search.more(MOST)}`}
          </Text>
        )}
      </div>
    </Stack>
  );
}
