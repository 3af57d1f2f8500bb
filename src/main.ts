import 'reflect-metadata';
import { NestFactory } from '@nestjs/core';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { setFlagsFromString } from 'node:v8';
import { AppModule } from './app.module.js';
import { SigningKeyRepository } from './auth/signing-key.repository.js';
import { rootCause } from './common/errors.js';
import { AppLogger } from './common/logger.js';
import { surviveWriteErrors } from './common/output.js';
import { StartError } from './common/start-error.js';
import { openVault } from './common/vault.js';
import { ConfigError, readConfig } from './config.js';
import type { Config } from './config.js';
import { openDatabase } from './database/database.js';
import { Readiness } from './health/readiness.js';
import { newAdapter, openDoor, serveDocument } from './http-server.js';
import { Queues } from './queue/queue.js';
import { welcome } from './welcome.js';

const ONE_KEYSTROKE_MS = 500;

/**
 * The heap is collected when it has doubled since the last time. On a machine with much memory V8 lets it quadruple: a
 * worker in a broadcast then holds 340 MB instead of 230, and is no quicker (npm run bench:broadcast).
 */
setFlagsFromString('--heap-growing-percent=100');

async function start(): Promise<void> {
  for (const stream of [process.stdout, process.stderr])
    surviveWriteErrors(stream, (dropped) => `carillon: ${dropped} lines of the log could not be written\n`);
  const config = readConfig();
  const logger = new AppLogger(config.environment === 'production');
  if (config.unknownNames.length > 0)
    logger.warn(`Variables that look like settings and are none: ${config.unknownNames.join(', ')}`, 'Settings');
  const database = await openDatabase(config);
  try {
    const signingKeys = await new SigningKeyRepository(database).list();
    const vault = openVault(config, signingKeys.length > 0);
    const queues = await Queues.open(config, database, (error) => logger.warn(rootCause(error), 'Queue'));
    const app = await NestFactory.create<NestFastifyApplication>(
      AppModule.for({ config, database, queues, vault }),
      newAdapter(config),
      { logger, bodyParser: false, abortOnError: false },
    );
    const refuseOtherMethods = await openDoor(app, config);
    if (config.roles.has('api') && config.docs) serveDocument(app);
    await app.init();
    refuseOtherMethods();
    await listen(app, config);
    drainOnSignal(app, config);
    process.stdout.write(welcome(config, await app.getUrl(), database.place, queues.place));
  } catch (error) {
    await database.close().catch(() => undefined);
    throw error;
  }
}

async function listen(app: NestFastifyApplication, config: Config): Promise<void> {
  try {
    await app.listen(config.port, config.host);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code !== 'EADDRINUSE' && code !== 'EACCES' && code !== 'EADDRNOTAVAIL') throw error;
    await app.close();
    throw new StartError(`Cannot listen on ${config.host}:${config.port}`, error);
  }
}

/**
 * Drains and exits 0; a person's second signal, or the end of SHUTDOWN_TIMEOUT, ends it at once: what is in flight then is
 * unknown and goes by its message's policy.
 */
function drainOnSignal(app: NestFastifyApplication, { shutdownDelayMs, shutdownTimeoutMs }: Config): void {
  let stoppingSince = Infinity;
  stop = (): void => {
    // Ctrl-C under `npm start` comes twice: from the terminal, and passed on by npm.
    if (performance.now() - stoppingSince > ONE_KEYSTROKE_MS) process.exit(1);
    if (stoppingSince < Infinity) return;
    stoppingSince = performance.now();
    app.get(Readiness).accepting = false;
    setTimeout(() => {
      setTimeout(() => process.exit(1), shutdownTimeoutMs).unref();
      void app.close().then(
        () => process.exit(0),
        (error: unknown) => {
          process.stderr.write(`carillon: stopping failed: ${rootCause(error)}\n`);
          process.exit(1);
        },
      );
    }, shutdownDelayMs);
  };
}

/** What a signal does: until there is something to drain, the process ends. Process 1 of a container has no default for it. */
let stop = (): void => process.exit(0);
// SIGHUP: the terminal was closed. SIGQUIT and SIGUSR2: some supervisors and process managers stop with these.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGQUIT', 'SIGUSR2'] as const) process.on(signal, () => stop());
// Node would open its inspector, by which whoever reaches the port may run anything.
process.on('SIGUSR1', () => undefined);

start().catch((error: unknown) => {
  const expected = error instanceof StartError || error instanceof ConfigError;
  const text = expected ? error.message : error instanceof Error ? (error.stack ?? error.message) : String(error);
  process.stderr.write(`carillon: ${text}\n`);
  process.exit(1);
});
