import cluster from 'node:cluster';
import { isatty } from 'node:tty';

/**
 * The action of a signal: until there is something to drain, the process ends. Without a handler process 1 of a
 * container ignores signals.
 */
let stop = (_signal: string): void => process.exit(0);

/** The action of SIGHUP when it asks for the files to be read again. */
let reload: (() => void) | undefined;

/** A terminal that is closed sends SIGHUP, and its programs should end. Read at the start: a closed one is none. */
export const HAS_TERMINAL = [0, 1, 2].some((descriptor) => isatty(descriptor));

// Some supervisors and process managers stop with SIGQUIT or SIGUSR2.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGQUIT', 'SIGUSR2'] as const)
  process.on(signal, () => (signal === 'SIGHUP' && reload ? reload() : stop(signal)));
// By default Node opens its inspector, through which everyone with access to its port can run code.
process.on('SIGUSR1', () => undefined);

// The supervisor has ended. By default node:cluster would end this process at once, without a drain.
cluster.worker?.once('disconnect', () => {
  cluster.worker!.exitedAfterDisconnect = true;
  stop('the end of its supervisor');
});

/** SIGHUP no longer stops the process. */
export function reloadBy(way: () => void): void {
  reload = way;
}

export function stopBy(way: (signal: string) => void): void {
  stop = way;
}
