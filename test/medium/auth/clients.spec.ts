import 'reflect-metadata';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { ITSELF } from '../../../src/auth/audit.repository.js';
import { toClientAnswer } from '../../../src/auth/client.answers.js';
import type { Database } from '../../../src/database/database.js';
import { openPlace } from '../database/places.js';
import { AuthRoom, ROOT, SetClock, refusalOf } from './auth-room.js';

const HOUR = 3_600_000;

describe('clients', () => {
  let database: Database;
  let remove: () => Promise<void>;
  let clock: SetClock;
  /** Two processes of one installation. */
  let here: AuthRoom;
  let there: AuthRoom;
  let count = 0;

  beforeAll(async () => {
    ({ database, remove } = await openPlace());
    clock = new SetClock(Date.now());
    here = await AuthRoom.open(database, clock);
    there = await AuthRoom.open(database, clock);
    await here.clients.create(ITSELF, { id: 'root', secret: 'root-secret', allowedScope: '*' });
  });
  afterAll(() => remove());

  /** A client for one test. */
  async function addClient(allowedScope = 'messages.* push.*'): Promise<{ id: string; secret: string }> {
    const id = `client-${count++}`;
    const { secret } = await here.clients.create(ROOT, { id, allowedScope });
    return { id, secret: secret ?? '' };
  }

  const secretsOf = async (id: string) => (await here.clients.get(id)).secrets;

  it.each(['test/test', 'admin/nimda', 'push/hsup'])(
    'refuses a client %s in production, by every call',
    async (pair) => {
      const [id = '', secret = ''] = pair.split('/');
      const live = await AuthRoom.open(database, clock, { environment: 'production' });
      const list = [
        { id: 'root', allowedScope: '*' },
        { id, secret, allowedScope: 'x' },
      ];
      const field = { message: expect.stringContaining('development secret') as string };
      await expect(live.clients.create(ROOT, { id, secret, allowedScope: 'x' })).rejects.toMatchObject(field);
      await expect(live.clients.rotateSecret(ROOT, id, { secret }, 0)).rejects.toMatchObject(field);
      await expect(live.clients.replaceAll(ROOT, list)).rejects.toMatchObject(field);
      expect((await live.clients.list()).map((client) => client.id)).not.toContain(id);
    },
  );

  it('production refuses a chosen secret that is short or a word repeated, by every call, and keeps known ones', async () => {
    await here.clients.create(ROOT, { id: 'short', secret: 'fifteen-signs-x', allowedScope: 'x' });
    const live = await AuthRoom.open(database, clock, { environment: 'production' });
    const root = { id: 'root', allowedScope: '*' };
    for (const secret of ['fifteen-signs-y', 'password'.repeat(3)]) {
      const refusal = (field: string) => ({
        code: 'FPWSE0005E',
        message: expect.stringMatching(new RegExp(`'${field}'.*at least 16 characters`)) as string,
      });
      const wanted = { id: 'chosen', secret, allowedScope: 'x' };
      await expect(live.clients.create(ROOT, wanted)).rejects.toMatchObject(refusal('secret'));
      await expect(live.clients.rotateSecret(ROOT, 'short', { secret }, 0)).rejects.toMatchObject(refusal('secret'));
      await expect(live.clients.replaceAll(ROOT, [root, wanted])).rejects.toMatchObject(refusal('clients.1.secret'));
    }
    const known = { id: 'short', secret: 'fifteen-signs-x', allowedScope: 'x' };
    await live.clients.replaceAll(ROOT, [root, known, { id: 'chosen', secret: 'sixteen-signs-xy', allowedScope: 'x' }]);
    expect(await live.obtain('short', known.secret, 'x')).toMatch(/^eyJ/);
    await live.clients.replaceAll(ROOT, [root]);
  });

  it('a token that is bound to a certificate is good with it alone, and in every process', async () => {
    const { id, secret } = await addClient('messages.write');
    const may = async (token: string, certificate?: string) =>
      refusalOf(there.liveTokens.authorize(`Bearer ${token}`, ['messages.write'], certificate));
    const bound = await here.obtain(id, secret, 'messages.write', '192.0.2.1', 'thumbprint');
    const free = await here.obtain(id, secret, 'messages.write');
    expect(await may(bound, 'thumbprint')).toBe('nothing');
    expect(await may(bound, 'another')).toBe('401 CARIL0401E');
    expect(await may(bound)).toBe('401 CARIL0401E');
    expect(await may(free, 'thumbprint')).toBe('nothing');
    await here.clients.update(ROOT, id, { certificateBound: true });
    expect(await refusalOf(here.obtain(id, secret, 'messages.write'))).toBe('400 invalid_request');
    await there.feed.refresh();
    expect(await may(free, 'thumbprint')).toBe('401 CARIL0401E');
    expect(await may(bound, 'thumbprint')).toBe('nothing');
    await here.clients.remove(ROOT, id);
  });

  it('a secret with an end holds until then, and so does one that is rotated or in a list', async () => {
    const wanted = { id: 'brief', secret: 'brief-secret', allowedScope: 'messages.*', secretExpiresInSeconds: 3_600 };
    await here.clients.create(ROOT, wanted);
    const may = (secret: string) => refusalOf(here.obtain('brief', secret, 'messages.write'));
    expect(await may('brief-secret')).toBe('nothing');
    const { secret = '' } = await here.clients.rotateSecret(ROOT, 'brief', { secretExpiresInSeconds: 7_200 }, HOUR * 3);
    expect((await secretsOf('brief')).map(({ expiresAt }) => expiresAt!.getTime() - clock.now())).toEqual([
      2 * HOUR,
      HOUR,
    ]);
    clock.time += HOUR;
    expect(await may('brief-secret')).toBe('400 invalid_client');
    expect(await may(secret)).toBe('nothing');
    clock.time += HOUR;
    expect(await may(secret)).toBe('400 invalid_client');
    const list = (await here.clients.list()).map(({ id, allowedScope }) => ({ id, allowedScope }));
    const change = { secret: 'listed-secret', secretExpiresInSeconds: 60 };
    await here.clients.replaceAll(
      ROOT,
      list.map((each) => (each.id === 'brief' ? { ...each, ...change } : each)),
    );
    expect((await secretsOf('brief')).map(({ expiresAt }) => expiresAt!.getTime() - clock.now())).toEqual([60_000]);
  });

  it('a deployer cannot change limits, also its own; an mfpadmin can', async () => {
    const LIMITS = { requestsPerSecond: 5, concurrentRequests: 2 };
    const DEPLOYER = { clientId: 'deployer', address: '192.0.2.9' };
    await here.clients.create(ROOT, { id: 'deployer', allowedScope: 'mfpdeployer messages.*', ...LIMITS });
    await here.clients.create(ROOT, { id: 'bound', allowedScope: 'messages.write', ...LIMITS });
    for (const id of ['deployer', 'bound'])
      for (const change of [{ requestsPerSecond: 6 }, { requestsPerSecond: null }, { concurrentRequests: 3 }])
        expect(await refusalOf(here.clients.update(DEPLOYER, id, change))).toBe('403 CARIL0403E');
    const made = { id: 'made', secret: 'made-secret', allowedScope: 'messages.write' };
    expect(await refusalOf(here.clients.create(DEPLOYER, { ...made, requestsPerSecond: 9 }))).toBe('403 CARIL0403E');
    await here.clients.create(DEPLOYER, made);
    await here.clients.update(DEPLOYER, 'bound', { displayName: 'Bound', ...LIMITS });
    expect(await here.clients.get('bound')).toMatchObject({ displayName: 'Bound', ...LIMITS });
    expect(await here.clients.update(ROOT, 'deployer', { requestsPerSecond: 6 })).toMatchObject({
      requestsPerSecond: 6,
    });
    for (const id of ['deployer', 'bound', 'made']) await here.clients.remove(ROOT, id);
  });

  describe('an administrator with a limited scope', () => {
    const DENIED = '403 CARIL0403E';
    const DEPUTY = { clientId: 'deputy', address: '192.0.2.9' };

    beforeAll(async () => {
      await here.clients.create(ROOT, {
        id: 'deputy',
        allowedScope: 'mfpadmin messages.* push.application.com.acme.*',
      });
      await here.clients.create(ROOT, { id: 'wide', secret: 'wide-secret', allowedScope: '*' });
      await here.clients.create(ROOT, { id: 'narrow', secret: 'narrow-secret', allowedScope: 'messages.write' });
    });
    afterAll(async () => {
      for (const id of ['deputy', 'wide', 'narrow']) await here.clients.remove(ROOT, id);
    });

    const listed = async () =>
      (await here.clients.list()).map(({ id, displayName, allowedScope }) => ({ id, displayName, allowedScope }));

    it.each(['*', '**', 'mfp*', 'devices.read', 'messages.write push.application.*', 'm*'])(
      'cannot create a client of %j or widen one to it',
      async (allowedScope) => {
        const before = await here.clients.list();
        expect(await refusalOf(here.clients.create(DEPUTY, { id: 'made', allowedScope }))).toBe(DENIED);
        expect(await refusalOf(here.clients.update(DEPUTY, 'narrow', { allowedScope }))).toBe(DENIED);
        expect(await refusalOf(here.clients.update(DEPUTY, 'deputy', { allowedScope }))).toBe(DENIED);
        const added = [...(await listed()), { id: 'made', secret: 's', allowedScope }];
        expect(await refusalOf(here.clients.replaceAll(DEPUTY, added))).toBe(DENIED);
        expect(await here.clients.list()).toEqual(before);
      },
    );

    it('cannot take over, narrow, disable, rename or delete a wider client', async () => {
      const before = await here.clients.list();
      for (const act of [
        () => here.clients.rotateSecret(DEPUTY, 'wide', { secret: 'mine' }, 0),
        () => here.clients.rotateSecret(DEPUTY, 'wide', {}, 3_600_000),
        () => here.clients.update(DEPUTY, 'wide', { allowedScope: 'messages.write' }),
        () => here.clients.update(DEPUTY, 'wide', { enabled: false }),
        () => here.clients.update(DEPUTY, 'wide', { displayName: 'mine' }),
        () => here.clients.remove(DEPUTY, 'wide'),
        async () =>
          here.clients.replaceAll(
            DEPUTY,
            (await listed()).filter(({ id }) => id !== 'wide'),
          ),
        async () =>
          here.clients.replaceAll(
            DEPUTY,
            (await listed()).map((each) => (each.id === 'wide' ? { ...each, allowedScope: 'messages.write' } : each)),
          ),
      ])
        expect(await refusalOf(act())).toBe(DENIED);
      expect(await here.clients.list()).toEqual(before);
    });

    it('does not learn by a PUT whether a secret of a wider client is right', async () => {
      for (const secret of ['wide-secret', 'a guess']) {
        const list = (await listed()).map((each) => (each.id === 'wide' ? { ...each, secret } : each));
        expect(await refusalOf(here.clients.replaceAll(DEPUTY, list))).toBe(DENIED);
      }
    });

    it('creates, changes and deletes clients within its scope, and may send the whole list back', async () => {
      const { secret } = await here.clients.create(DEPUTY, {
        id: 'made',
        allowedScope: 'messages.read push.application.com.acme.bank RegisteredClient',
      });
      expect(await here.obtain('made', secret ?? '', 'messages.read')).toMatch(/^eyJ/);
      await here.clients.update(DEPUTY, 'made', { allowedScope: 'messages.*' });
      await here.clients.rotateSecret(DEPUTY, 'made', { secret: 'another' }, 0);
      await here.clients.replaceAll(DEPUTY, await listed());
      await here.clients.replaceAll(
        DEPUTY,
        (await listed()).filter(({ id }) => id !== 'made'),
      );
      expect((await here.clients.list()).map(({ id }) => id)).not.toContain('made');
    });

    it('gets no more grants if it was narrowed or disabled after its request was admitted', async () => {
      await here.clients.update(ROOT, 'deputy', { enabled: false });
      expect(await refusalOf(here.clients.create(DEPUTY, { id: 'made', allowedScope: 'messages.read' }))).toBe(DENIED);
      await here.clients.update(ROOT, 'deputy', { enabled: true, allowedScope: 'mfpadmin' });
      expect(await refusalOf(here.clients.create(DEPUTY, { id: 'made', allowedScope: 'messages.read' }))).toBe(DENIED);
      await here.clients.update(ROOT, 'deputy', { allowedScope: 'mfpadmin messages.* push.application.com.acme.*' });
    });
  });

  describe('single clients', () => {
    it('shows a generated secret once, and stores only its hash', async () => {
      const { id, secret } = await addClient();
      expect(secret).toMatch(/^[\w-]{43}$/);
      expect(await here.obtain(id, secret, 'messages.write')).toMatch(/^eyJ/);
      const read = await here.clients.get(id);
      expect(read).toMatchObject({ displayName: id, enabled: true, allowedScope: 'messages.* push.*' });
      const rows = await database.kysely.selectFrom('client_secret').selectAll().execute();
      const events = await here.audit.list(1_000);
      const told = toClientAnswer(read, clock.time);
      expect(JSON.stringify([rows, events, told])).not.toContain(secret);
      expect(JSON.stringify([events, told])).not.toContain('scrypt');
    });

    it('a token is valid for its requested scope only, whatever its client may do', async () => {
      const { id, secret } = await addClient();
      const token = await here.obtain(id, secret, 'push.a');
      expect(await here.may(token, 'push.a')).toBe(true);
      for (const more of [['push.b'], ['push.a', 'messages.write']]) expect(await here.may(token, ...more)).toBe(false);
    });

    it('generates and shows a secret if the given one is null', async () => {
      const id = `client-${count++}`;
      const { secret } = await here.clients.create(ROOT, { id, secret: null, allowedScope: '*' });
      expect(secret).toMatch(/^[\w-]{43}$/);
      const rotated = await here.clients.rotateSecret(ROOT, id, {}, 0);
      expect(rotated.secret).toMatch(/^[\w-]{43}$/);
      const list = (await here.clients.list()).map((each) => ({ ...each, secret: null }));
      await here.clients.replaceAll(ROOT, list);
      expect(await here.obtain(id, rotated.secret ?? '', 'messages.write')).toMatch(/^eyJ/);
      const added = [...list, { id: 'new', secret: null, allowedScope: '*' }];
      expect(await refusalOf(here.clients.replaceAll(ROOT, added))).toBe('400 FPWSE0005E');
    });

    it('refuses an existing id, and an unknown one', async () => {
      const { id } = await addClient();
      expect(await refusalOf(here.clients.create(ROOT, { id, allowedScope: '*' }))).toBe('409 FPWSE0002E');
      expect(await refusalOf(here.clients.update(ROOT, 'nobody', {}))).toBe('404 FPWSE0001E');
      expect(await refusalOf(here.clients.remove(ROOT, 'nobody'))).toBe('404 FPWSE0001E');
      expect(await refusalOf(here.clients.rotateSecret(ROOT, 'nobody', {}, HOUR))).toBe('404 FPWSE0001E');
    });

    it('writes an audit event for every change, with actor and address, and none without a change', async () => {
      const { id } = await addClient();
      await here.clients.update(ROOT, id, { enabled: false });
      await here.clients.update(ROOT, id, { enabled: false });
      await here.clients.rotateSecret(ROOT, id, {}, HOUR);
      await here.clients.remove(ROOT, id);
      const events = (await here.audit.list(1_000)).filter(({ subject }) => subject === id).toReversed();
      expect(events.map(({ action }) => action)).toEqual([
        'client.create',
        'client.update',
        'client.secret',
        'client.delete',
      ]);
      expect(events.every(({ actor }) => actor.clientId === 'root' && actor.address === '192.0.2.1')).toBe(true);
      const fields = { displayName: id, allowedScope: 'messages.* push.*' };
      const keys = { jwks: null, jwksUri: null, certificateBound: false };
      const limited = { ...fields, requestsPerSecond: null, concurrentRequests: null, ...keys };
      expect(events.map(({ detail }) => detail)).toEqual([
        { ...limited, enabled: true },
        { before: { ...limited, enabled: true }, after: { ...limited, enabled: false } },
        { previous: `holds until ${new Date(clock.time + HOUR).toISOString()}` },
        { ...fields, enabled: false },
      ]);
      const [newest, next] = await here.audit.list(2);
      expect(await here.audit.list(1, newest?.id)).toEqual([next]);
    });
  });

  describe('in another process', () => {
    it('disabling, narrowing and deleting affect issued tokens within a second', async () => {
      const disabled = await addClient();
      const narrowed = await addClient();
      const deleted = await addClient();
      const [one, two, three] = await Promise.all(
        [disabled, narrowed, deleted].map(({ id, secret }) => there.obtain(id, secret, 'messages.write')),
      );
      for (const token of [one, two, three]) expect(await there.may(token!, 'messages.write')).toBe(true);
      there.feed.onApplicationBootstrap();
      try {
        await here.clients.update(ROOT, disabled.id, { enabled: false });
        await here.clients.update(ROOT, narrowed.id, { allowedScope: 'push.*' });
        await here.clients.remove(ROOT, deleted.id);
        // Without a request there: the process notices by itself.
        await vi.waitFor(() => expect(there.snapshot.find(deleted.id)).toBeUndefined(), { timeout: 5_000 });
        for (const token of [one, two, three]) expect(await there.may(token!, 'messages.write')).toBe(false);
      } finally {
        await there.feed.beforeApplicationShutdown();
      }
    });

    it('a token of a deleted client is not valid for a new client with its id', async () => {
      const { id, secret } = await addClient();
      const token = await here.obtain(id, secret, 'messages.write');
      await here.clients.remove(ROOT, id);
      await here.clients.create(ROOT, { id, secret, allowedScope: '*' });
      expect(await here.may(token, 'messages.write')).toBe(false);
      expect(await here.may(await here.obtain(id, secret), 'messages.write')).toBe(true);
    });

    it('a change and a token of a moment ago are valid at once', async () => {
      const { id, secret } = await addClient('messages.read');
      expect(there.snapshot.find(id)).toBeUndefined();
      const token = await there.obtain(id, secret, 'messages.read');
      expect(await there.may(token, 'messages.read')).toBe(true);
      await here.clients.update(ROOT, id, { allowedScope: 'messages.*' });
      const wider = await here.obtain(id, secret, 'messages.write');
      expect(await there.may(wider, 'messages.write')).toBe(true);
    });

    it('a revoked token is invalid everywhere, also if the clock was ahead meanwhile; other tokens stay valid', async () => {
      const { id, secret } = await addClient();
      const [token, sister] = [await here.obtain(id, secret, 'push.a'), await here.obtain(id, secret, 'push.a')];
      expect(await there.may(token, 'push.a')).toBe(true);
      const { jti, expiresAt } = (await here.liveTokens.find(token))!;
      await here.revoked.revoke(jti, expiresAt);
      await there.feed.refresh();
      for (const room of [here, there]) {
        expect(await room.may(token, 'push.a')).toBe(false);
        expect(await room.may(sister, 'push.a')).toBe(true);
      }
      const another = async () => (await here.liveTokens.find(await here.obtain(id, secret, 'push.a')))!;
      clock.step = 2 * HOUR;
      const ahead = await another();
      await here.revoked.revoke(ahead.jti, ahead.expiresAt);
      await there.feed.refresh();
      // The clock is right again.
      clock.step = 0;
      const started = await AuthRoom.open(database, clock);
      for (const room of [here, there, started]) expect(await room.may(token, 'push.a')).toBe(false);
      clock.time += 28 * HOUR;
      const later = await another();
      await here.revoked.revoke(later.jti, later.expiresAt);
      const kept = await database.kysely.selectFrom('revoked_token').select('jti').execute();
      expect(kept.map((row) => row.jti)).toEqual([later.jti]);
    });
  });

  describe('rotating a secret', () => {
    it('accepts both secrets for the stated time, then the new one only; tokens stay valid', async () => {
      const { id, secret: old } = await addClient();
      const token = await there.obtain(id, old, 'push.a');
      const { secret: fresh = '' } = await here.clients.rotateSecret(ROOT, id, {}, HOUR / 2);
      for (const room of [here, there])
        for (const secret of [old, fresh]) expect(await room.obtain(id, secret, 'push.a')).toMatch(/^eyJ/);
      expect(await there.may(token, 'push.a')).toBe(true);
      clock.time += HOUR / 2;
      expect(await refusalOf(there.obtain(id, old, 'push.a'))).toBe('400 invalid_client');
      expect(await there.obtain(id, fresh, 'push.a')).toMatch(/^eyJ/);
      expect(toClientAnswer(await here.clients.get(id), clock.time).secrets).toHaveLength(1);
    });

    it('refuses a third secret while two are valid, unless the others end at once', async () => {
      const { id, secret: old } = await addClient();
      const token = await here.obtain(id, old, 'push.a');
      await here.clients.rotateSecret(ROOT, id, { secret: 'second' }, HOUR);
      expect(await refusalOf(here.clients.rotateSecret(ROOT, id, { secret: 'third' }, HOUR))).toBe('409 CARIL0409E');
      const { secret } = await here.clients.rotateSecret(ROOT, id, { secret: 'third' }, 0);
      expect(secret).toBeUndefined();
      expect(await secretsOf(id)).toHaveLength(1);
      for (const gone of [old, 'second'])
        expect(await refusalOf(there.obtain(id, gone, 'push.a'))).toBe('400 invalid_client');
      await there.feed.refresh();
      expect(await there.may(token, 'push.a')).toBe(false);
      expect(await there.may(await there.obtain(id, 'third', 'push.a'), 'push.a')).toBe(true);
      // An expired secret makes room.
      await here.clients.rotateSecret(ROOT, id, { secret: 'fourth' }, HOUR);
      clock.time += HOUR;
      await here.clients.rotateSecret(ROOT, id, { secret: 'fifth' }, HOUR);
      expect(await secretsOf(id)).toHaveLength(2);
    });
  });

  describe('replacing the list', () => {
    const listed = async () =>
      (await here.clients.list()).map(({ id, displayName, allowedScope, enabled }) => ({
        id,
        displayName,
        allowedScope,
        enabled,
      }));

    it('changes nothing if the list is sent back, with or without secrets', async () => {
      const { id, secret } = await addClient();
      await here.clients.update(ROOT, id, { displayName: 'Shop', enabled: false });
      const before = await here.clients.list();
      const [last] = await here.audit.list(1);
      const list = await listed();
      await here.clients.replaceAll(ROOT, list);
      await here.clients.replaceAll(
        ROOT,
        // MobileFirst's list has the secret and no `enabled`.
        list.map((client) => ({ ...client, enabled: undefined, ...(client.id === id && { secret }) })),
      );
      expect(await here.clients.list()).toEqual(before);
      expect(await here.audit.list(1)).toEqual([last]);
    });

    it('adds, changes and deletes, and replaces the secret of a known id', async () => {
      const [gone, changed] = [await addClient(), await addClient()];
      const token = await here.obtain(changed.id, changed.secret, 'push.a');
      const rest = (await listed()).filter(({ id }) => ![gone.id, changed.id].includes(id));
      const fresh = `fresh-${count++}`;
      await here.clients.replaceAll({ clientId: 'root', address: '::1' }, [
        ...rest,
        { id: changed.id, displayName: 'Changed', secret: 'changed', allowedScope: 'tags.*' },
        { id: fresh, secret: 'fresh', allowedScope: '*' },
      ]);
      expect(await here.obtain(fresh, 'fresh')).toMatch(/^eyJ/);
      expect(await here.obtain(changed.id, 'changed', 'tags.read')).toMatch(/^eyJ/);
      expect(await refusalOf(here.obtain(changed.id, changed.secret, 'tags.read'))).toBe('400 invalid_client');
      expect(await refusalOf(here.obtain(gone.id, gone.secret, 'push.a'))).toBe('400 invalid_client');
      expect(await here.may(token, 'push.a')).toBe(false);
      const events = (await here.audit.list(4)).toReversed();
      expect(events.map(({ action, subject }) => `${action} ${subject}`)).toEqual([
        `client.delete ${gone.id}`,
        `client.update ${changed.id}`,
        `client.secret ${changed.id}`,
        `client.create ${fresh}`,
      ]);
    });

    it.each([
      [
        'an id twice',
        [
          { id: 'twice', secret: 'a', allowedScope: '*' },
          { id: 'twice', secret: 'b', allowedScope: '*' },
        ],
        '400 FPWSE0005E',
      ],
      ['a known id twice', [{ id: 'root', allowedScope: 'push.*' }], '400 FPWSE0005E'],
      ['a new client without a secret', [{ id: 'bare', allowedScope: '*' }], '400 FPWSE0005E'],
    ])('refuses the whole list with %s', async (_what, more, refusal) => {
      const before = await here.clients.list();
      const wanted = [{ id: 'root', allowedScope: '*' }, ...more];
      expect(await refusalOf(here.clients.replaceAll(ROOT, wanted))).toBe(refusal);
      expect(await here.clients.list()).toEqual(before);
    });

    it('refuses to remove, disable, narrow or delete the last administrator, by list or singly', async () => {
      const { id: ordinary } = await addClient();
      const others = (await listed()).filter(({ id }) => id === ordinary);
      const before = await listed();
      expect(await refusalOf(here.clients.replaceAll(ROOT, []))).toBe('409 CARIL0409E');
      expect(await refusalOf(here.clients.replaceAll(ROOT, others))).toBe('409 CARIL0409E');
      expect(await listed()).toEqual(before);
      // From here on, only root is an administrator.
      await here.clients.replaceAll(ROOT, [{ id: 'root', allowedScope: 'mfpadmin' }, ...others]);
      expect(await refusalOf(here.clients.update(ROOT, 'root', { enabled: false }))).toBe('409 CARIL0409E');
      expect(await refusalOf(here.clients.update(ROOT, 'root', { allowedScope: 'RegisteredClient' }))).toBe(
        '409 CARIL0409E',
      );
      expect(await refusalOf(here.clients.remove(ROOT, 'root'))).toBe('409 CARIL0409E');
      expect(await here.clients.get('root')).toMatchObject({ enabled: true, allowedScope: 'mfpadmin' });
    });

    it('if two administrators delete each other at once, one stays', async () => {
      for (const id of ['castor', 'pollux']) await here.clients.create(ITSELF, { id, secret: 'x', allowedScope: '*' });
      await here.clients.update(ROOT, 'root', { allowedScope: 'mfpadmin' });
      await here.clients.remove(ROOT, 'root');
      const refusals = await Promise.all([
        refusalOf(here.clients.remove({ clientId: 'castor', address: '' }, 'pollux')),
        refusalOf(there.clients.remove({ clientId: 'pollux', address: '' }, 'castor')),
      ]);
      // The second one has been deleted by then.
      expect(refusals.toSorted()).toEqual(['403 CARIL0403E', 'nothing']);
      await here.clients.create(ITSELF, { id: 'root', secret: 'root-secret', allowedScope: '*' });
    });
  });

  it('writes the last use later, in one statement and only for used clients', async () => {
    const used = await addClient();
    const idle = await addClient();
    const token = await here.obtain(used.id, used.secret, 'push.a');
    expect((await here.clients.get(used.id)).lastUsedAt).toBeNull();
    clock.time += 1_000;
    expect(await here.may(token, 'push.a')).toBe(true);
    await here.lastUsed.write();
    const read = await here.clients.get(used.id);
    expect(read.lastUsedAt?.getTime()).toBe(clock.time);
    expect(read.secrets[0]?.lastUsedAt?.getTime()).toBe(clock.time - 1_000);
    expect((await here.clients.get(idle.id)).lastUsedAt).toBeNull();
  });

  it('guarding a request reads nothing from the database', async () => {
    const { id, secret } = await addClient();
    const token = await here.obtain(id, secret, 'push.a');
    expect(await here.may(token, 'push.a')).toBe(true);
    await remove();
    for (let times = 0; times < 100; times++) expect(await here.may(token, 'push.a')).toBe(true);
    expect(await here.obtain(id, secret, 'push.a')).toMatch(/^eyJ/);
    remove = () => Promise.resolve();
  });
});
