import { notifications } from '@mantine/notifications';
import { useMutation } from '@tanstack/react-query';
import { ScopedButton, useMay } from '../../parts/scoped';
import { describeFailure } from '../../parts/states';
import { texts } from '../../texts/texts';
import { readAll } from './user-data';
import type { UserPath } from './user-data';

/** The data of one user as a JSON file, for an answer to that user. */
export function ExportUser({ path }: { path: UserPath }) {
  const mayDevices = useMay('devices.read', path.applicationId);
  const exporting = useMutation({
    mutationFn: async () => save(`${path.userId.replace(/[^\w.@-]/g, '_')}.json`, await readAll(path)),
    onError: (error) => notifications.show({ message: describeFailure(error), color: 'red' }),
  });
  return (
    <ScopedButton
      needs={mayDevices ? 'messages.read' : 'devices.read'}
      applicationId={path.applicationId}
      variant="default"
      loading={exporting.isPending}
      onClick={() => exporting.mutate()}
    >
      {texts.devices.ofUser.export}
    </ScopedButton>
  );
}

function save(name: string, data: object): void {
  const link = document.createElement('a');
  link.href = URL.createObjectURL(new Blob([JSON.stringify(data, null, 2)], { type: 'application/json' }));
  link.download = name;
  link.click();
  // The browser reads the file after the click.
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
}
