import { afterAll, afterEach, beforeAll, beforeEach } from 'vitest';
import type { Sender } from '../../../src/providers/provider.js';
import { startSimulators, type RunningSimulators } from '../../simulators/client.js';

export interface SenderStage {
  readonly simulators: RunningSimulators;
  /** Closes the sender after the test. */
  keep(sender: Sender): Sender;
}

/** Simulators for the tests of a file, reset for each test, and the opened senders. */
export function senderStage(): SenderStage {
  let simulators: RunningSimulators | undefined;
  const open: Sender[] = [];
  beforeAll(async () => {
    simulators = await startSimulators();
  });
  afterAll(() => simulators?.stop());
  beforeEach(() => simulators?.admin.reset());
  afterEach(async () => {
    for (const sender of open.splice(0)) await sender.close();
  });
  return {
    get simulators() {
      if (!simulators) throw new Error('the simulators run while tests do');
      return simulators;
    },
    keep: (sender) => {
      open.push(sender);
      return sender;
    },
  };
}
