import { randomBytes } from 'node:crypto';
import { startSimulators } from '../simulators/client.js';
import type { RunningSimulators } from '../simulators/client.js';
import { Api } from './api.js';
import { startCarillon } from './carillon.js';
import type { RunningCarillon } from './carillon.js';

interface Place {
  prepare(): Promise<{ environment: Record<string, string>; clean: () => void }>;
}

/**
 * The program in several processes, with the simulators and an application with APNs devices `device-0` of `user-0`, ….
 */
export class Deployment {
  /** Calls of the first process, for the application. */
  api!: Api;
  first!: RunningCarillon;
  private readonly running: RunningCarillon[] = [];

  private constructor(
    readonly simulators: RunningSimulators,
    readonly environment: Record<string, string>,
    private readonly clean: () => void,
  ) {}

  /**
   * The first process has the roles api and scheduler, with `change` in its environment; `main` is the program of
   * another release.
   */
  static async start(
    place: Place,
    devices: number,
    change: Record<string, string> = {},
    main?: string,
  ): Promise<Deployment> {
    const simulators = await startSimulators();
    const { environment, clean } = await place.prepare();
    const providers = { APNS_URL: simulators.apns.url, PROVIDER_CA_FILE: simulators.caPath ?? '' };
    const deployment = new Deployment(simulators, { ...environment, ...providers, WORKER_BATCHES: '3' }, clean);
    deployment.first = await deployment.startProcess('api,scheduler', change, main);
    deployment.api = await deployment.addApplication('com.acme.bank', devices);
    return deployment;
  }

  async startProcess(roles: string, change: Record<string, string> = {}, main?: string): Promise<RunningCarillon> {
    const carillon = await startCarillon({ ...this.environment, ROLES: roles, ...change }, [], main);
    this.running.push(carillon);
    return carillon;
  }

  async addApplication(applicationId: string, devices: number): Promise<Api> {
    const application = await Api.connect(this.running[0]!.url, applicationId);
    await application.call('POST', '/apps', { applicationId });
    const { key, keyId, teamId, bundleId } = this.simulators.credentials.apns;
    const settings = await application.app('PUT', '/settings/apnsConf', { key, keyId, teamId, bundleId });
    if (settings.status !== 200) throw new Error(`apnsConf: ${settings.status} ${JSON.stringify(settings.body)}`);
    await application.registerDevices(
      Array.from({ length: devices }, (_, index) => ({
        deviceId: `device-${index}`,
        platform: 'A',
        token: randomBytes(32).toString('hex'),
        userId: `user-${index}`,
      })),
    );
    return application;
  }

  /** Sends to all devices; returns when some deliveries are recorded and some are in flight. */
  async broadcastUntilMiddle(body: Record<string, unknown> = {}): Promise<string> {
    await this.simulators.admin.changeSettings({ apns: { latencyMs: 400, streams: 50 } });
    const messageId = await this.api.send({ message: { alert: 'To all' }, ...body });
    await this.api.waitFor(messageId, ({ outcomes }) => (outcomes.accepted ?? 0) > 0 && (outcomes.inFlight ?? 0) > 0);
    return messageId;
  }

  /** The number of pushes of the message that APNs accepted. */
  async received(messageId: string): Promise<number> {
    return (await this.simulators.admin.ledger('apns', messageId)).accepted;
  }

  async stop(): Promise<void> {
    await Promise.all(this.running.map((carillon) => carillon.stop()));
    await this.simulators.stop();
    this.clean();
  }
}
