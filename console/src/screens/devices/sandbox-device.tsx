import { notifications } from '@mantine/notifications';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useNavigate } from '@tanstack/react-router';
import { api, bodyOf } from '../../api/client';
import { newKey } from '../../parts/random';
import { ScopedButton } from '../../parts/scoped';
import { describeFailure } from '../../parts/states';
import { texts } from '../../texts/texts';
import { readAgain } from './queries';

/** Registers a device that needs no phone and no account at a provider, and accepts everything. */
export function SandboxDevice({ applicationId }: { applicationId: string }) {
  const queries = useQueryClient();
  const navigate = useNavigate();
  const registering = useMutation({
    mutationFn: () => {
      const deviceId = `sandbox-${newKey().slice(0, 8)}`;
      return bodyOf(
        api.POST('/imfpush/v1/apps/{applicationId}/devices', {
          params: { path: { applicationId } },
          body: { deviceId, platform: 'A', token: `sandbox:accepted:${deviceId}` },
        }),
      );
    },
    onSuccess: async ({ deviceId }) => {
      await readAgain(queries, applicationId);
      notifications.show({ message: texts.devices.registered(deviceId) });
      await navigate({ to: '/apps/$app/devices/$device', params: { app: applicationId, device: deviceId } });
    },
    onError: (error) => notifications.show({ message: describeFailure(error), color: 'red' }),
  });
  return (
    <ScopedButton
      needs="devices.write"
      applicationId={applicationId}
      variant="default"
      loading={registering.isPending}
      onClick={() => registering.mutate()}
    >
      {texts.devices.addSandbox}
    </ScopedButton>
  );
}
