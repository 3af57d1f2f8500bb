import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { rmSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { takesConnections } from './servers.js';

/** A program between a client and a server; `through` is the server's address by way of this program. */
export interface Forwarder {
  through: (url: string) => string;
  stop: () => Promise<void>;
}

/** Waits until the program accepts connections at its port. `folder` belongs to the program and is removed with it. */
export async function awaitForwarder(
  name: string,
  child: ChildProcess,
  port: number,
  folder: string,
): Promise<Forwarder> {
  const ended = once(child, 'exit');
  for (let tries = 0; !(await takesConnections(port)); tries++) {
    if (tries === 200 || child.exitCode !== null) throw new Error(`${name} did not start`);
    await delay(50);
  }
  return {
    through: (url) => {
      const address = new URL(url);
      address.port = String(port);
      return address.href;
    },
    stop: async () => {
      child.kill('SIGKILL');
      await ended;
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
