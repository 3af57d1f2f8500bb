/**
 * What a signal does: until there is something to drain, the process ends. Process 1 of a container has no default for
 * it.
 */
let stop = (_signal: string): void => process.exit(0);

// SIGHUP: the terminal was closed. SIGQUIT and SIGUSR2: some supervisors and process managers stop with these.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGQUIT', 'SIGUSR2'] as const)
  process.on(signal, () => stop(signal));
// Node would open its inspector, by which whoever reaches the port may run anything.
process.on('SIGUSR1', () => undefined);

export function stopBy(way: (signal: string) => void): void {
  stop = way;
}
