import { Redis } from 'ioredis';
import { vi } from 'vitest';
import { freePort, portOf, startRedis } from './redis-server.js';
import type { RedisServer } from './redis-server.js';

const SLOTS = 16_384;

export interface ClusterNode {
  server: RedisServer;
  admin: Redis;
  id: string;
  /** The port on which the servers of the cluster talk to each other. */
  bus: number;
}

export interface RedisCluster {
  /** For QUEUE_URL. */
  url: string;
  /** Three, each with a third of the slots. */
  masters: ClusterNode[];
  slotOf(key: string): Promise<number>;
  /** The master that has the slot of this key. */
  masterOf(key: string): Promise<ClusterNode>;
  /** Starts a replica of this master and waits until it has copied it. */
  addReplica(master: ClusterNode): Promise<ClusterNode>;
  stop(): Promise<void>;
}

/** A Redis Cluster of three masters on this machine. */
export async function startCluster(): Promise<RedisCluster> {
  const nodes: ClusterNode[] = [];
  const add = async (): Promise<ClusterNode> => {
    const bus = await freePort();
    const flags = ['--cluster-enabled', 'yes', '--cluster-node-timeout', '1000', '--cluster-port', String(bus)].concat([
      '--repl-diskless-sync-delay',
      '0',
      // By default a replica that has had no vote within 20 s after the end of its master gives up.
      '--cluster-replica-validity-factor',
      '0',
    ]);
    const server = await startRedis([...flags, '--requirepass', 'hush', '--masterauth', 'hush']);
    const admin = new Redis(server.url, { password: 'hush', enableReadyCheck: false });
    admin.on('error', () => undefined);
    const node = { server, admin, bus, id: await admin.cluster('MYID') };
    nodes.push(node);
    return node;
  };
  const meet = ({ admin }: ClusterNode) =>
    admin.call('cluster', 'meet', '127.0.0.1', portOf(nodes[0]!.server), String(nodes[0]!.bus));
  const masters = await Promise.all([add(), add(), add()]);
  for (const [index, { admin }] of masters.entries()) {
    // Only a server that knows no other one takes an epoch.
    await admin.call('cluster', 'set-config-epoch', String(index + 1));
    const from = Math.ceil((index * SLOTS) / 3);
    const to = Math.ceil(((index + 1) * SLOTS) / 3) - 1;
    await admin.call('cluster', 'addslotsrange', String(from), String(to));
  }
  for (const master of masters) if (master !== nodes[0]) await meet(master);
  await vi.waitFor(
    async () => {
      for (const { admin } of masters) {
        const state = await admin.cluster('INFO');
        if (!/cluster_state:ok/.test(state) || !/cluster_known_nodes:3/.test(state)) throw new Error(state);
      }
    },
    { timeout: 20_000, interval: 100 },
  );
  const slotOf = (key: string) => masters[0]!.admin.cluster('KEYSLOT', key);
  return {
    url: `redis+cluster://:hush@${masters.map(({ server }) => `127.0.0.1:${portOf(server)}`).join(',')}`,
    masters,
    slotOf,
    masterOf: async (key) => masters[Math.floor(((await slotOf(key)) * 3) / SLOTS)]!,
    addReplica: async (master) => {
      const replica = await add();
      await meet(replica);
      // In the words of CLUSTER NODES, which a master knows by messages from the others.
      const known = new RegExp(`^${replica.id} .* slave ${master.id} .* connected$`, 'm');
      await vi.waitFor(
        async () => {
          // Refused until the replica has heard of the master.
          if (!(await replica.admin.info('replication')).includes('role:slave'))
            await replica.admin.call('cluster', 'replicate', master.id);
          const state = await replica.admin.info('replication');
          if (!state.includes('master_link_status:up')) throw new Error(state);
          // A master that does not know the replica does not vote for it.
          for (const { admin } of masters) {
            const nodes = String(await admin.cluster('NODES'));
            if (!known.test(nodes)) throw new Error(nodes);
          }
        },
        { timeout: 20_000, interval: 200 },
      );
      return replica;
    },
    stop: async () => {
      for (const { admin } of nodes) admin.disconnect();
      await Promise.all(nodes.map(({ server }) => server.stop()));
    },
  };
}
