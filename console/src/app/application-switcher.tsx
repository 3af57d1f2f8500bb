import { Select } from '@mantine/core';
import { useNavigate } from '@tanstack/react-router';
import { texts } from '../texts/texts';
import { useApplication, useApplications } from './application';

const ALL = '';

/** Chooses the application whose screens are shown; "all" is the overview of the installation. */
export function ApplicationSwitcher() {
  const chosen = useApplication();
  const { data: ids = [] } = useApplications();
  const navigate = useNavigate();
  const options = [...new Set(chosen === null ? ids : [chosen, ...ids])].map((id) => ({ value: id, label: id }));
  return (
    <Select
      aria-label={texts.shell.application}
      data={[{ value: ALL, label: texts.shell.allApplications }, ...options]}
      value={chosen ?? ALL}
      onChange={(id) => void (id ? navigate({ to: '/apps/$app', params: { app: id } }) : navigate({ to: '/' }))}
      allowDeselect={false}
      searchable
      nothingFoundMessage={texts.shell.noSuchApplication}
      w={{ base: 140, sm: 240 }}
      size="xs"
    />
  );
}
