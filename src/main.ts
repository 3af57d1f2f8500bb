#!/usr/bin/env node
// The first import: signals are handled before anything else is loaded.
import { HAS_TERMINAL, reloadBy, stopBy } from './signals.js';
import cluster from 'node:cluster';
import { constants } from 'node:os';
import { UnknownCommand, findCommand } from './commands/commands.js';
import type { Found } from './commands/commands.js';
import { rootCause } from './common/errors.js';
import { endWith, ownLine } from './common/own-line.js';
import { redact } from './common/redact.js';
import { isTold } from './common/start-error.js';
import { logsJson, readConfig } from './config.js';
import type { Config } from './config.js';
import { openFilesLimit } from './open-files.js';
import { planProcesses, readMember } from './process-plan.js';
import type { Member } from './process-plan.js';
import { STARTED, Supervisor } from './supervisor.js';

/** Loading the program opens some 700 files at once; the rest is for connections. */
const FEWEST_FILES = 1_024;

/** Checks the limit before the program is loaded: if files cannot be opened, Node reports a missing package. */
async function load(): Promise<void> {
  const limit = openFilesLimit();
  if (limit < FEWEST_FILES)
    return end(
      `This process may open ${limit} files, but needs at least ${FEWEST_FILES}, better 65,536 (ulimit -n, LimitNOFILE= in systemd, --ulimit nofile= in Docker)`,
    );
  const config = readConfig();
  // From here on SIGHUP asks for the certificate, and without one ends a process of a terminal alone.
  if (config.tls || !HAS_TERMINAL) reloadBy(() => undefined);
  if (cluster.isWorker) return run(config, readMember(process.argv.slice(2)));
  const members = planProcesses(config.roles, config.processes);
  if (members.length > 1) new Supervisor(members, config).run();
  else await run(config);
}

async function run(config: Config, member?: Member): Promise<void> {
  const { start } = await import('./start.js');
  await start(config, member);
  process.send?.(STARTED);
}

/** Commands write for a person, in development and in production. */
async function runCommand({ load, args, isRemote }: Found): Promise<void> {
  stopBy((signal) => {
    // As a shell counts; nothing of a command against a server is to be taken back.
    if (isRemote) process.exit(128 + constants.signals[signal as NodeJS.Signals]);
    process.stderr.write(`carillon: Stopped by ${signal}: the database rolls back what was begun; run it again\n`);
    process.exit(1);
  });
  try {
    const run = await load();
    process.exitCode = await run((line) => void process.stdout.write(`${line}\n`), args);
  } catch (error) {
    process.stderr.write(redact(`carillon: ${isTold(error) ? error.message : rootCause(error)}\n`));
    process.exitCode = 1;
  }
}

// Until there is work to drain. The database rolls back the transaction of an interrupted start.
stopBy((signal) => {
  process.stdout.write(ownLine(logsJson(), 'info', `Stopped by ${signal} during the start`));
  process.exit(0);
});

function end(text: string): never {
  return endWith(logsJson(), 'fatal', text);
}

try {
  // The arguments of a process under a supervisor are its roles (process-plan.ts).
  const command = cluster.isWorker ? null : findCommand(process.argv.slice(2));
  await (command ? runCommand(command) : load());
} catch (error) {
  if (error instanceof UnknownCommand) {
    process.stderr.write(`carillon: ${error.message}\n`);
    process.exit(2);
  }
  if (isTold(error)) end(error.message);
  end(error instanceof Error ? (error.stack ?? error.message) : String(error));
}
