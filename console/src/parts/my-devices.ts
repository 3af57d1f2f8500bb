import { useState } from 'react';
import { useSession } from './scoped';

/** Ids of the viewer's own devices, for tests. This browser keeps them, for this viewer. */
export function useMyDevices(applicationId: string): [string[], (next: string[]) => void] {
  const { kind, id } = useSession();
  const [owner] = useState(`${kind}:${id}`);
  const place = `carillon-my-devices:${owner}:${applicationId}`;
  const [deviceIds, setDeviceIds] = useState(() => localStorage.getItem(place)?.split('\n') ?? []);
  return [
    deviceIds,
    (next) => {
      setDeviceIds(next);
      if (next.length > 0) localStorage.setItem(place, next.join('\n'));
      else localStorage.removeItem(place);
    },
  ];
}
