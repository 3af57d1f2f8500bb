import 'reflect-metadata';
import { Logger } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import type { AddressInfo } from 'node:net';
import type { Server as TlsServer } from 'node:tls';
import { setFlagsFromString } from 'node:v8';
import { AppModule } from './app.module.js';
import { SigningKeyRepository } from './auth/signing-key.repository.js';
import { DAY_MS } from './common/durations.js';
import { rootCause } from './common/errors.js';
import { AppLogger } from './common/logger.js';
import { openLogOutput, surviveErrors } from './common/output.js';
import { endWith } from './common/own-line.js';
import { ServedCertificate } from './common/served-certificate.js';
import { StartError } from './common/start-error.js';
import { openVault } from './common/vault.js';
import { logsJson } from './config.js';
import type { Config } from './config.js';
import { openDatabase } from './database/database.js';
import { Readiness } from './health/readiness.js';
import type { AdminPort } from './http/admin-port.js';
import { newAdapter, openDoor, serveDocument } from './http-server.js';
import type { Member } from './process-plan.js';
import { QueueOutage } from './queue/queue-outage.js';
import { Queues } from './queue/queue.js';
import { HAS_TERMINAL, reloadBy, stopBy } from './signals.js';
import { welcome } from './welcome.js';

const ONE_KEYSTROKE_MS = 500;

/**
 * The heap is collected when it has doubled since the last collection. On a machine with much memory V8 lets it
 * quadruple: a worker in a broadcast then holds 340 MB instead of 230, and is not faster (npm run bench:broadcast).
 */
setFlagsFromString('--heap-growing-percent=100');

/** `member`: this process is one of several under a supervisor, and has the member's roles. */
export async function start(settings: Config, member?: Member): Promise<void> {
  const config = {
    ...settings,
    roles: member?.roles ?? settings.roles,
    name: member?.name,
    metrics: { ...settings.metrics, port: portOf(settings, member) },
  };
  surviveErrors(process.stderr);
  const json = logsJson();
  const logger = new AppLogger({ level: config.logLevel, json, name: member?.name }, openLogOutput(json));
  Logger.overrideLogger(logger);
  // Node's own warnings are plain text.
  process.removeAllListeners('warning');
  process.on('warning', ({ name, message }) => logger.warn(`${name}: ${message}`, 'Node'));
  if (config.unknownNames.length > 0)
    logger.warn(`Variables that look like settings but are not: ${config.unknownNames.join(', ')}`, 'Settings');
  const database = await openDatabase(config);
  let queues: Queues | undefined;
  try {
    const signingKeys = await new SigningKeyRepository(database).list();
    const vault = openVault(config, signingKeys.length > 0);
    const queueOutage = new QueueOutage(config.queueUrl === undefined, () => queues!.ping());
    queues = await Queues.open(config, database, (error) => queueOutage.note(error));
    const app = await NestFactory.create<NestFastifyApplication>(
      AppModule.for({ config, database, queues, vault }),
      newAdapter(config),
      { logger, bodyParser: false, abortOnError: false },
    );
    const { refuseOtherMethods, adminPort } = await openDoor(app, config);
    if (config.roles.has('api') && config.docs) serveDocument(app);
    await app.init();
    refuseOtherMethods();
    // Processes of one start share the port, so only those of one kind listen.
    const listens = member === undefined || member.isFirst || member.roles.has('api');
    const url = listens ? await listen(app, config) : '';
    const adminUrl = listens && adminPort ? await listenApart(app, adminPort, config, url) : url;
    if (config.tls) keepCertificate(app);
    else if (!HAS_TERMINAL) reloadBy(() => logger.log('SIGHUP: without TLS_CERT_FILE nothing is read again', 'TLS'));
    drainOnSignal(app, config);
    if (member?.isFirst !== false)
      process.stdout.write(welcome(config, { url, adminUrl }, database.place, queues.place));
  } catch (error) {
    // Before its database ends, which would be an outage for the queue.
    await queues?.close().catch(() => undefined);
    await database.close().catch(() => undefined);
    throw error;
  }
}

/** Reads the certificate again at each SIGHUP. */
function keepCertificate(app: NestFastifyApplication): void {
  const certificate = app.get(ServedCertificate);
  const server = app.getHttpServer() as unknown as TlsServer;
  const serve = (): void => certificate.serve((pair) => server.setSecureContext({ ...pair, minVersion: 'TLSv1.2' }));
  serve();
  reloadBy(serve);
  setInterval(() => certificate.warn(), DAY_MS).unref();
}

/** Each process of a start serves its own metrics. Null: none; 0: any free port. */
function portOf({ metrics: { port } }: Config, member?: Member): number | null {
  return port === null || port === 0 ? port : port + (member?.position ?? 0);
}

/** Returns the address on which the server listens. */
async function listen(app: NestFastifyApplication, { host, port, tls }: Config): Promise<string> {
  await openPort(app, `HOST ${host}, PORT ${port}`, () => app.listen(port, host));
  const listening = app.getHttpServer().address() as AddressInfo;
  return `http${tls ? 's' : ''}://${listening.family === 'IPv6' ? `[${listening.address}]` : listening.address}:${listening.port}`;
}

/** The same with ADMIN_PORT. */
async function listenApart(
  app: NestFastifyApplication,
  adminPort: AdminPort,
  { host, adminPort: wanted }: Config,
  url: string,
): Promise<string> {
  const where = `HOST ${host}, ADMIN_PORT ${wanted}`;
  const port = await openPort(app, where, () => adminPort.listen(host, wanted ?? 0));
  return url.replace(/\d+$/, String(port));
}

async function openPort<T>(app: NestFastifyApplication, where: string, open: () => Promise<T>): Promise<T> {
  try {
    return await open();
  } catch (error) {
    const { syscall } = error as NodeJS.ErrnoException;
    if (syscall === undefined) throw error;
    await app.close();
    throw new StartError(`Cannot listen on ${where}`, error);
  }
}

/**
 * Drains and exits with 0. A second signal, or the end of SHUTDOWN_TIMEOUT, ends the process at once: deliveries in
 * flight are then unknown and follow the policy of their message.
 */
function drainOnSignal(app: NestFastifyApplication, { shutdownDelayMs, shutdownTimeoutMs }: Config): void {
  let stoppingSince = Infinity;
  const end = (level: 'warn' | 'fatal', why: string): never => endWith(logsJson(), level, why);
  stopBy((signal) => {
    // Ctrl-C under `npm start` arrives twice: from the terminal, and from npm.
    if (performance.now() - stoppingSince > ONE_KEYSTROKE_MS)
      end('warn', `Stopped at once by a second signal, ${signal}: deliveries in flight are unknown`);
    if (stoppingSince < Infinity) return;
    stoppingSince = performance.now();
    app.get(Readiness).accepting = false;
    setTimeout(() => {
      const over = `Stopped after SHUTDOWN_TIMEOUT (${shutdownTimeoutMs / 1_000} s): deliveries in flight are unknown`;
      setTimeout(() => end('warn', over), shutdownTimeoutMs).unref();
      void app.close().then(
        () => process.exit(0),
        (error: unknown) => end('fatal', `Stopping failed: ${rootCause(error)}`),
      );
    }, shutdownDelayMs);
  });
}
