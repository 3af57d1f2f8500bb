import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { AdminServer } from './admin.js';
import { Simulators, type SimulatorAddresses, type SimulatorCredentials } from './simulators.js';
import { createTestCertificates } from './test-certificates.js';

const USAGE = `Simulators of APNs, FCM v1, Web Push services, WNS, HMS and a MobileFirst server.

  --apns-port N --fcm-port N --web-push-port N --wns-port N --hms-port N --mobilefirst-port N --admin-port N
                    ports on 127.0.0.1; free ones when absent
  --plain           no TLS: HTTP/2 with prior knowledge (FCM and Web Push also HTTP/1.1, the others only), for benchmarks
  --seed N          of the generator behind fault probabilities and latencies (default 1)
  --json            one line of JSON on stdout when ready; words for people go to stderr
  --exit-with-stdin stop when stdin ends, so that a killed test run leaves nothing behind
  --help`;

/** The line that `--json` prints. */
export interface ReadyLine extends SimulatorAddresses {
  admin: { url: string };
  /** Path of the CA certificate to trust; null with --plain. */
  ca: string | null;
  credentials: SimulatorCredentials;
  /** The same credentials as files. */
  files: { apnsKey: string; serviceAccount: string };
}

const { values: options } = parseArgs({
  options: {
    'apns-port': { type: 'string', default: '0' },
    'fcm-port': { type: 'string', default: '0' },
    'web-push-port': { type: 'string', default: '0' },
    'wns-port': { type: 'string', default: '0' },
    'hms-port': { type: 'string', default: '0' },
    'mobilefirst-port': { type: 'string', default: '0' },
    'admin-port': { type: 'string', default: '0' },
    plain: { type: 'boolean', default: false },
    seed: { type: 'string', default: '1' },
    json: { type: 'boolean', default: false },
    'exit-with-stdin': { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
});

if (options.help) console.log(USAGE);
else await run();

async function run(): Promise<void> {
  const directory = await mkdtemp(join(tmpdir(), 'carillon-simulators-'));
  const started: { close(): Promise<void> | void }[] = [];
  let stopping = false;
  const stop = async (): Promise<void> => {
    if (stopping) return;
    stopping = true;
    for (const part of started) await part.close();
    await rm(directory, { recursive: true, force: true });
    process.exit();
  };
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, () => void stop());
  if (options['exit-with-stdin']) process.stdin.on('end', () => void stop()).resume();
  try {
    const certificates = options.plain ? null : await createTestCertificates(directory);
    const simulators = new Simulators({
      apnsPort: Number(options['apns-port']),
      fcmPort: Number(options['fcm-port']),
      webPushPort: Number(options['web-push-port']),
      wnsPort: Number(options['wns-port']),
      hmsPort: Number(options['hms-port']),
      mobilefirstPort: Number(options['mobilefirst-port']),
      seed: Number(options.seed),
      tls: certificates,
    });
    const admin = new AdminServer(simulators);
    started.push(admin, simulators);
    const { credentials, ...addresses } = await simulators.start();
    const files = {
      apnsKey: join(directory, `AuthKey_${credentials.apns.keyId}.p8`),
      serviceAccount: join(directory, 'service-account.json'),
    };
    await writeFile(files.apnsKey, credentials.apns.key, { mode: 0o600 });
    await writeFile(files.serviceAccount, JSON.stringify(credentials.fcm, null, 2), { mode: 0o600 });
    const adminAddress = { url: await admin.listen(Number(options['admin-port'])) };
    announce({ ...addresses, admin: adminAddress, ca: certificates?.caPath ?? null, credentials, files });
  } catch (error) {
    console.error(error);
    process.exitCode = 1;
    await stop();
  }
}

function announce(ready: ReadyLine): void {
  const { apns, wns, hms, mobilefirst } = ready.credentials;
  console.error(`APNs    ${ready.apns.url}
        key ${ready.files.apnsKey}
        key id ${apns.keyId}, team ${apns.teamId}, bundle ${apns.bundleId}
FCM     ${ready.fcm.url}
        service account ${ready.files.serviceAccount} (token_uri ${ready.fcm.tokenUri})
WebPush ${ready.webPush.url}
        subscriptions from POST ${ready.admin.url}/web-push/subscriptions
WNS     ${ready.wns.channelUrl}… (any channel name)
        package ${wns.package.packageSID} at ${ready.wns.tokenUrl}
        Entra app ${wns.entra.clientId} of tenant ${wns.entra.tenantId} at ${ready.wns.url}
HMS     ${ready.hms.url}
        app ${hms.oauth.appId} at ${ready.hms.tokenUrl}, project ${hms.account.projectId}
MobileFirst ${ready.mobilefirst.url}
        client ${mobilefirst.clientId}
Admin   ${ready.admin.url}
CA      ${ready.ca ?? 'none (plain ports)'}`);
  if (options.json) console.log(JSON.stringify(ready));
}
