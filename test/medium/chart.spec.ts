import { spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { ServiceMonitor } from '@kubernetes-models/prometheus-operator/monitoring.coreos.com/v1/ServiceMonitor';
import { Deployment } from 'kubernetes-models/apps/v1';
import { HorizontalPodAutoscaler } from 'kubernetes-models/autoscaling/v2';
import { Job } from 'kubernetes-models/batch/v1';
import { PodDisruptionBudget } from 'kubernetes-models/policy/v1';
import { Service } from 'kubernetes-models/v1';
import { describe, expect, it } from 'vitest';
import { parseAllDocuments } from 'yaml';
import { readConfig } from '../../src/config.js';
import { ROLES } from '../../src/role.js';
import { SETTINGS } from '../../src/settings.js';
import { findBinary } from '../harness/programs.js';

/** The chart, and the manifests made from it. `.ci/build-helm` builds Helm; without Helm the manifests are tested. */

const CHART = 'deploy/helm/carillon';
const MANIFESTS = 'deploy/manifests/carillon.yaml';
const helm = findBinary('helm');

interface Container {
  args?: string[];
  env: { name: string; value: string }[];
  envFrom: { secretRef: { name: string } }[];
  ports?: { name: string; containerPort: number }[];
  startupProbe?: { periodSeconds: number; failureThreshold: number };
  livenessProbe?: { httpGet: { path: string; port: string } };
  readinessProbe?: { httpGet: { path: string; port: string } };
  securityContext: Record<string, unknown>;
}
interface Pod {
  containers: [Container];
  initContainers?: unknown;
  volumes: unknown[];
  terminationGracePeriodSeconds: number;
  securityContext: Record<string, unknown>;
}
interface Manifest {
  apiVersion: string;
  kind: string;
  metadata: { name: string; labels: Record<string, string>; annotations?: Record<string, string> };
  spec: {
    replicas?: number;
    maxUnavailable?: number;
    minAvailable?: number;
    selector?: Record<string, unknown>;
    template?: { metadata: { labels: Record<string, string> }; spec: Pod };
    ports?: { port: number; targetPort: string }[];
    metrics?: unknown[];
  };
}

function parse(text: string): Manifest[] {
  return parseAllDocuments(text)
    .map((document) => document.toJS() as Manifest | null)
    .filter((manifest) => manifest !== null);
}

/** `words`: values (`a.b=c`) and flags. */
const template = (...words: string[]): string => {
  const given = words.flatMap((word) => (word.startsWith('--') ? [word] : ['--set', word]));
  const args = ['template', 'carillon', CHART, '--kube-version', '1.34.0', ...given];
  const { status, stdout, stderr } = spawnSync(helm ?? 'helm', args, { encoding: 'utf8' });
  if (status !== 0) throw new Error(stderr);
  return stdout;
};

const settingsOf = ({ env }: Container): Record<string, string> =>
  Object.fromEntries(env.map(({ name, value }) => [name, value]));

const MODELS: Readonly<Record<string, unknown>> = {
  Deployment,
  HorizontalPodAutoscaler,
  Job,
  PodDisruptionBudget,
  Service,
  ServiceMonitor,
};

/** Throws for a manifest that a cluster would refuse by its schema. */
function validate(manifest: Manifest): void {
  const Model = MODELS[manifest.kind] as new (data: Manifest) => { validate(): void };
  new Model(manifest).validate();
}

describe('deploy/manifests/carillon.yaml', () => {
  const manifests = parse(readFileSync(MANIFESTS, 'utf8'));
  const deployments = manifests.filter(({ kind }) => kind === 'Deployment');
  const podOf = ({ spec }: Manifest): Pod => spec.template!.spec;

  it('fits the schemas of Kubernetes', () => {
    for (const manifest of manifests) validate(manifest);
    const broken = structuredClone(deployments[0]!);
    (broken.spec as Record<string, unknown>).replicas = 'two';
    expect(() => validate(broken)).toThrow('data/spec/replicas must be integer');
  });

  it('has a Deployment and a budget for each role, which allows an eviction at one replica', () => {
    const roles = (kind: string): string[] =>
      manifests.filter((each) => each.kind === kind).map(({ metadata }) => metadata.name.replace('carillon-', ''));
    expect(roles('Deployment').toSorted()).toEqual(ROLES.toSorted());
    expect(roles('PodDisruptionBudget').toSorted()).toEqual(ROLES.toSorted());
    for (const { spec } of manifests.filter(({ kind }) => kind === 'PodDisruptionBudget'))
      expect([spec.maxUnavailable, spec.minAvailable]).toEqual([1, undefined]);
  });

  it('names settings that exist and that a start in production accepts, and keeps secrets in the Secret', () => {
    const secrets = SETTINGS.filter(({ isSecret }) => isSecret).map(({ name }) => name);
    for (const deployment of deployments) {
      const [container] = podOf(deployment).containers;
      const settings = settingsOf(container);
      const known = SETTINGS.map(({ name }) => name);
      expect(Object.keys(settings).filter((name) => !known.includes(name) || secrets.includes(name))).toEqual([]);
      const secret = { DATABASE_URL: 'postgres://a@b/c', QUEUE_URL: 'redis://a' };
      const config = readConfig({ ...settings, ...secret, MASTER_KEY: randomBytes(32).toString('base64') });
      expect([...config.roles]).toEqual([settings.ROLES]);
      expect(config.environment).toBe('production');
      expect(container.ports).toContainEqual({ name: 'http', containerPort: config.port });
      expect(container.ports).toContainEqual({ name: 'metrics', containerPort: Number(settings.METRICS_PORT) });
      expect(container.envFrom).toEqual([{ secretRef: { name: 'carillon' } }]);
      const stopS = (config.shutdownDelayMs + config.shutdownTimeoutMs) / 1_000;
      expect(podOf(deployment).terminationGracePeriodSeconds).toBeGreaterThan(stopS);
    }
  });

  it('gives a start ten minutes, and asks liveness and readiness of each role', () => {
    for (const deployment of deployments) {
      const [{ startupProbe, livenessProbe, readinessProbe }] = podOf(deployment).containers;
      expect(startupProbe!.periodSeconds * startupProbe!.failureThreshold).toBeGreaterThanOrEqual(600);
      expect(livenessProbe?.httpGet).toEqual({ path: '/health/live', port: 'http' });
      expect(readinessProbe?.httpGet).toEqual({ path: '/health/ready', port: 'http' });
    }
  });

  it('confines every container', () => {
    for (const manifest of manifests.filter(({ spec }) => spec.template)) {
      expect(podOf(manifest).securityContext).toMatchObject({ runAsNonRoot: true });
      expect(podOf(manifest).containers[0].securityContext).toEqual({
        allowPrivilegeEscalation: false,
        readOnlyRootFilesystem: true,
        capabilities: { drop: ['ALL'] },
      });
    }
  });

  it('migrates by a command that exists, before the rest, with nothing but the Secret', () => {
    const job = manifests.find(({ kind }) => kind === 'Job')!;
    expect(job.metadata.annotations).toMatchObject({ 'helm.sh/hook': 'pre-install,pre-upgrade' });
    const [container] = podOf(job).containers;
    expect(container.args).toEqual(['node', 'dist/main.js', 'migrate']);
    expect(container.envFrom).toEqual([{ secretRef: { name: 'carillon' } }]);
    expect(JSON.stringify(job)).not.toMatch(/configMap|serviceAccountName|persistentVolumeClaim/);
  });

  it('has services that lead to ports of the pods they select', () => {
    for (const { spec } of manifests.filter(({ kind }) => kind === 'Service')) {
      const selected = deployments.filter(({ spec: { template: pod } }) =>
        Object.entries(spec.selector!).every(([name, value]) => pod!.metadata.labels[name] === value),
      );
      expect(selected.length).toBeGreaterThan(0);
      for (const deployment of selected)
        for (const { targetPort } of spec.ports!)
          expect(podOf(deployment).containers[0].ports?.map(({ name }) => name)).toContain(targetPort);
    }
  });
});

it('npm run manifests keeps its file and says so in one line, without Helm and with a chart that Helm refuses', () => {
  const { manifests } = (JSON.parse(readFileSync('package.json', 'utf8')) as { scripts: Record<string, string> })
    .scripts;
  const folder = mkdtempSync(join(tmpdir(), 'carillon-manifests-'));
  const file = join(folder, MANIFESTS);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, 'before\n');
  const run = () => spawnSync('/bin/sh', ['-c', manifests!], { cwd: folder, env: { PATH: folder }, encoding: 'utf8' });
  const write = (lines: string) => writeFileSync(join(folder, 'helm'), `#!/bin/sh\n${lines}\n`, { mode: 0o755 });
  try {
    expect(run()).toMatchObject({ status: 127, stderr: expect.stringMatching(/^[^\n]*helm: not found\n$/) });
    write('echo "kind: Half"; echo "Error: no" >&2; exit 1');
    expect(run()).toMatchObject({ status: 1, stderr: 'Error: no\n' });
    expect(readFileSync(file, 'utf8')).toBe('before\n');
    write(String.raw`printf '%s\n' '---' 'a: "\n"'`);
    expect(run().status).toBe(0);
    expect(readFileSync(file, 'utf8')).toBe('---\na: "\\n"\n');
  } finally {
    rmSync(folder, { recursive: true });
  }
});

describe.skipIf(helm === null)('the chart', () => {
  it('makes the manifests (npm run manifests)', () => {
    expect(readFileSync(MANIFESTS, 'utf8')).toBe(template());
  });

  it('passes helm lint', () => {
    expect(spawnSync(helm!, ['lint', '--strict', CHART], { encoding: 'utf8' }).stdout).toContain('0 chart(s) failed');
  });

  it.each([
    ['one replica', 1, []],
    ['three replicas', 3, []],
    ['one replica of an update', 1, ['--is-upgrade']],
  ])('with %s has no budget that allows no eviction, and a Job that needs nothing of the chart', (_, count, flags) => {
    const values = ROLES.map((role) => `roles.${role}.replicas=${count}`);
    const manifests = parse(template(...flags, ...values, 'secret=existing'));
    for (const manifest of manifests) validate(manifest);
    const of = (kind: string) => manifests.filter((each) => each.kind === kind);
    expect(of('Deployment').map(({ spec }) => spec.replicas)).toEqual(ROLES.map(() => count));
    for (const { spec } of of('PodDisruptionBudget')) expect(spec).toMatchObject({ maxUnavailable: 1 });
    const { volumes, containers, initContainers } = of('Job')[0]!.spec.template!.spec;
    expect([volumes, initContainers]).toEqual([[{ name: 'tmp', emptyDir: {} }], undefined]);
    expect(containers[0].envFrom).toEqual([{ secretRef: { name: 'existing' } }]);
  });

  it.each(ROLES)('writes no replicas of %s with autoscaling', (role) => {
    const manifests = parse(template(`roles.${role}.autoscaling.enabled=true`));
    const [deployment, scaler] = ['Deployment', 'HorizontalPodAutoscaler'].map((kind) =>
      manifests.find((each) => each.kind === kind && each.metadata.name === `carillon-${role}`),
    );
    expect(deployment?.spec.replicas).toBeUndefined();
    expect(JSON.stringify(scaler?.spec.metrics)).toContain(
      role === 'worker' ? 'carillon_oldest_pending_seconds' : 'cpu',
    );
    for (const manifest of manifests) validate(manifest);
  });

  it('starts pods anew if a setting changes, and lets a role have its own', () => {
    const text = template('settings.RETENTION_DAYS=7', 'roles.worker.settings.WORKER_BATCHES=4');
    const settings = Object.fromEntries(
      parse(text)
        .filter(({ kind }) => kind === 'Deployment')
        .map(({ metadata, spec }) => [metadata.name, settingsOf(spec.template!.spec.containers[0])]),
    );
    expect(settings['carillon-api']).toMatchObject({ RETENTION_DAYS: '7' });
    expect(settings['carillon-api']).not.toHaveProperty('WORKER_BATCHES');
    expect(settings['carillon-worker']).toMatchObject({ RETENTION_DAYS: '7', WORKER_BATCHES: '4' });
  });

  it('speaks https with a Secret of a certificate, and is asked for its health so', () => {
    const manifests = parse(template('tls.secret=front'));
    for (const manifest of manifests) validate(manifest);
    for (const { spec } of manifests.filter(({ kind }) => kind === 'Deployment')) {
      const { containers, ...pod } = spec.template!.spec;
      expect(settingsOf(containers[0])).toMatchObject({ TLS_CERT_FILE: '/tls/tls.crt', TLS_KEY_FILE: '/tls/tls.key' });
      expect(JSON.stringify(pod)).toContain('{"name":"tls","secret":{"secretName":"front"}}');
      for (const probe of ['startupProbe', 'livenessProbe', 'readinessProbe'] as const)
        expect(containers[0][probe]).toMatchObject({ httpGet: { scheme: 'HTTPS' } });
    }
  });

  it('gives administration a port and a Service of its own, at the pods of the API', () => {
    const manifests = parse(template('adminPort=9443'));
    for (const manifest of manifests) validate(manifest);
    const podOf = (name: string) =>
      manifests.find(({ kind, metadata }) => kind === 'Deployment' && metadata.name === name)!.spec.template!;
    const [container] = podOf('carillon-api').spec.containers;
    expect(settingsOf(container)).toMatchObject({ PORT: '9080', ADMIN_PORT: '9443' });
    expect(container.ports).toContainEqual({ name: 'admin', containerPort: 9443 });
    const { spec } = manifests.find(({ metadata }) => metadata.name === 'carillon-admin')!;
    expect(spec.ports).toEqual([{ name: 'admin', port: 9443, targetPort: 'admin' }]);
    expect(podOf('carillon-api').metadata.labels).toMatchObject(spec.selector!);
    expect(settingsOf(podOf('carillon-worker').spec.containers[0])).not.toHaveProperty('ADMIN_PORT');
    expect(template()).not.toContain('carillon-admin');
  });

  it('takes another Secret, any user of the platform, and a ServiceMonitor', () => {
    const text = template('secret=other', 'runAsUser=null', 'serviceMonitor.enabled=true', 'migration.secret=owner');
    expect(text).not.toContain('runAsUser');
    const monitor = parse(text).find(({ kind }) => kind === 'ServiceMonitor')!;
    validate(monitor);
    const broken = structuredClone(monitor) as unknown as { spec: { endpoints: { interval: string }[] } };
    broken.spec.endpoints[0]!.interval = '15 seconds';
    expect(() => validate(broken as unknown as Manifest)).toThrow('data/spec/endpoints/0/interval');
    const secrets = [...text.matchAll(/secretRef:\n\s+name: (\S+)/g)].map(([, name]) => name);
    expect(secrets.toSorted()).toEqual(['other', 'other', 'other', 'owner']);
  });
});
