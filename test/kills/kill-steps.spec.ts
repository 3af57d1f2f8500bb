import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { CROWD, KillLane } from '../harness/kill-lane.js';
import type { KillAt, Sent } from '../harness/kill-lane.js';
import type { MessageReport } from '../harness/api.js';
import { startSimulators } from '../simulators/client.js';
import type { RunningSimulators } from '../simulators/client.js';
import { EMBEDDED, SERVERS } from '../e2e/stages.js';
import type { Stage } from '../e2e/stages.js';

/**
 * A kill between any two durable steps. The steps are read from the classes (test/harness/kill-steps.mjs). A step
 * without a kill is listed here with the reason, and a step that no case reaches fails the test.
 */
const READS = 'reads only: a kill there is one after the write before it';
const INSIDE = 'inside the transaction of a step that is killed at: the database takes it back';
const TOKENS = 'a token that was not kept is made again';
const REGISTRATION = 'not on the way of a message';
const LOOKED = 'asked every second: it is killed at in its parts, insertRuns, moveOn, acceptWithin and settle';
const LOT = 'shares the statements claimLot and endLot, which are killed at';
const PLANNED = 'at a start, before anything is due, and made again at the next';
const ACCOUNT = 'an account for people; no delivery depends on it';
const RATED = 'of messages that are held to a rate or counted for a cap; inside the transaction of a page';
const APPROVAL = 'only of campaigns that ask for an approval, inside the transaction of their firing';
const BY_CALL = 'a call of an operator, which repeats it if no answer came';
const FAILING = 'only of a webhook that fails or is disabled: each is one statement';
const REFUSING = 'only of a provider that refuses or limits; the next answer decides again';
const NOT_KILLED: Record<string, string> = {
  'AcceptanceService.holdOriginals': INSIDE,
  'AcceptanceService.holdUpstreams': INSIDE,
  'AcceptanceService.insertData': INSIDE,
  'AcceptanceService.promote': INSIDE,
  'ApplicationRemovalRepository.removeDevices': INSIDE,
  'ApplicationRemovalRepository.removeEvents': INSIDE,
  'ApplicationRemovalRepository.removeMessages': INSIDE,
  'ApplicationRemovalRepository.removeSome': REGISTRATION,
  'ApplicationRepository.add': REGISTRATION,
  'ApplicationRepository.change': REGISTRATION,
  'ApplicationRepository.countDevices': READS,
  'ApplicationRepository.find': READS,
  'ApplicationRepository.findAll': READS,
  'ApplicationRepository.list': READS,
  'ApplicationRepository.markRemoved': REGISTRATION,
  'ApplicationRepository.setStopped': REGISTRATION,
  'ApprovalRepository.approve': APPROVAL,
  'AudienceRepository.count': READS,
  'AudienceRepository.countShared': READS,
  'AudienceRepository.exceeds': READS,
  'AudienceRepository.findRegistered': READS,
  'AudienceRepository.highestSeq': READS,
  'AudienceRepository.page': READS,
  'AudienceRepository.providersOf': READS,
  'AudienceRepository.timeZones': READS,
  'AudienceRepository.unknownTagNames': READS,
  'BatchRepository.findStopped': READS,
  'BatchRepository.overruled': INSIDE,
  'BatchRepository.park': REFUSING,
  'CampaignRepository.add': REGISTRATION,
  'CampaignRepository.count': READS,
  'CampaignRepository.find': READS,
  'CampaignRepository.findByKey': READS,
  'CampaignRepository.forgetKeys': REGISTRATION,
  'CampaignRepository.list': READS,
  'CampaignRepository.listActive': READS,
  'CampaignRepository.listNext': READS,
  'CampaignRepository.lock': READS,
  'CampaignRepository.remove': REGISTRATION,
  'CampaignRepository.update': REGISTRATION,
  'ClaimRepository.lease': INSIDE,
  'ClaimRepository.lockDue': READS,
  'ClaimRepository.park': INSIDE,
  'ClaimRepository.postpone': INSIDE,
  'ClaimRepository.takeTry': INSIDE,
  'ClaimService.takeTurn': INSIDE,
  'DeliveryQueue.ranked': 'reckons in memory',
  'DeliveryReportRepository.batches': READS,
  'DeliveryReportRepository.circumstances': READS,
  'DeliveryReportRepository.countReasons': READS,
  'DeliveryReportRepository.devices': READS,
  'DeliveryReportRepository.findUnmet': READS,
  'DeliveryReportRepository.ofDevice': READS,
  'DeliveryReportRepository.page': READS,
  'DeviceRegistrationRepository.change': REGISTRATION,
  'DeviceRegistrationRepository.findKnown': READS,
  'DeviceRegistrationRepository.makingRoom': REGISTRATION,
  'DeviceRegistrationRepository.put': REGISTRATION,
  'DeviceRegistrationRepository.putMany': 'one transaction for 500 lines of an import, which is made again',
  'DeviceRegistrationRepository.putTogether': REGISTRATION,
  'DeviceRepository.count': READS,
  'DeviceRepository.find': READS,
  'DeviceRepository.findDeliverable': READS,
  'DeviceRepository.findOwner': READS,
  'DeviceRepository.list': READS,
  'DeviceRepository.noteSeen': REGISTRATION,
  'DeviceRepository.remove': REGISTRATION,
  'DeviceRetentionRepository.correctSeen': REGISTRATION,
  'DeviceRetentionRepository.countRetired': READS,
  'DeviceRetentionRepository.countUnseen': READS,
  'DeviceRetentionRepository.deleteRetired': REGISTRATION,
  'DeviceRetentionRepository.retireUnseen': REGISTRATION,
  'DeviceSearchRepository.chooseLeading': READS,
  'DeviceSearchRepository.count': READS,
  'DeviceSearchRepository.lastLookedAt': READS,
  'DeviceSearchRepository.search': READS,
  'DeviceTransferRepository.ofUser': READS,
  'DeviceTransferRepository.page': READS,
  'DeviceTransferRepository.tagged': READS,
  'DryRunRepository.count': READS,
  'DryRunRepository.countBounded': READS,
  'EstimateRepository.read': READS,
  'EventRepository.countOld': READS,
  'EventRepository.newest': READS,
  'EventRepository.noteEnding': 'no message depends on it',
  'EventRepository.read': READS,
  'EventRepository.removeOld': 'long after the event',
  'EventRepository.want': REGISTRATION,
  'EventRepository.wanted': READS,
  'ExpandService.admit': INSIDE,
  'ExpandService.cut': INSIDE,
  'ExpandService.expandNext': INSIDE,
  'ExpandService.nextPage': INSIDE,
  'ExpandService.rateOf': READS,
  'ExpansionRepository.postpone': RATED,
  'ExpansionRepository.read': READS,
  'FiringRepository.claimDue': LOOKED,
  'FiringRepository.findFailureShares': READS,
  'FiringRepository.hold': APPROVAL,
  'FiringRepository.listDue': READS,
  'FiringService.approved': APPROVAL,
  'FiringService.fire': LOOKED,
  'FiringService.fireDue': LOOKED,
  'FiringService.fireEach': LOOKED,
  'FiringService.fireNow': 'one transaction of the same parts as fireDue',
  'FiringService.pause': LOOKED,
  'LeaseRepository.anyHeld': READS,
  'LeaseRepository.awaitClaims': READS,
  'LeaseRepository.awaitEnd': READS,
  'MessageControlRepository.pause': 'one transaction like cancel, which is killed at',
  'MessageControlRepository.resume': 'one transaction like cancel, which is killed at',
  'MessageInsertRepository.copyData': INSIDE,
  'MessageInsertRepository.holdOriginal': INSIDE,
  'MessageInsertRepository.holdUpstream': INSIDE,
  'MessageInsertRepository.insertData': INSIDE,
  'MessageRateRepository.add': RATED,
  'MessageRateRepository.hold': RATED,
  'MessageRateRepository.holdOf': RATED,
  'MessageRateRepository.move': RATED,
  'MessageRateRepository.placeAnew': 'part of the transaction of MessageControlRepository.resume',
  'MessageRepository.countScheduled': READS,
  'MessageRepository.findBulk': READS,
  'MessageRepository.findByIdempotencyKey': READS,
  'MessageRepository.findKeys': READS,
  'MessageRepository.findOriginal': READS,
  'OverlapRepository.cancelRuns': INSIDE,
  'OverlapRepository.cancelWaves': INSIDE,
  'OverlapRepository.findBusy': READS,
  'OverlapRepository.findEarlier': READS,
  'OverlapRepository.findMoving': READS,
  'OverlapRepository.listMoving': READS,
  'PaceRepository.lock': INSIDE,
  'PaceRepository.lowerProof': REFUSING,
  'PaceRepository.now': READS,
  'PaceRepository.reportedRate': READS,
  'PaceRepository.update': INSIDE,
  'PaceService.slowDown': 'one transaction that makes sending slower; without it the provider says so again',
  'PaceService.takeTurn': INSIDE,
  'ProviderSettingRepository.find': READS,
  'ProviderSettingRepository.isSecret': READS,
  'ProviderSettingRepository.list': READS,
  'ProviderSettingRepository.pause': REFUSING,
  'ProviderSettingRepository.put': REGISTRATION,
  'ProviderSettingRepository.remove': REGISTRATION,
  'ProviderSettingRepository.removeUnused': REGISTRATION,
  'ProviderSettingRepository.renew': REGISTRATION,
  'ProviderSettingRepository.resume': 'the same single statement as put, which is killed at',
  'ProviderStatusRepository.list': READS,
  'ProviderStatusRepository.listLimits': READS,
  'ProviderStatusRepository.report': 'an account for people every five seconds; no delivery depends on it',
  'ReachRepository.admit': RATED,
  'ReachRepository.forget': 'what is forgotten no cap asks for any more',
  'ReceiptRepository.add': REGISTRATION,
  'RecipientRepository.find': READS,
  'RegisteredRepository.listRegistered': READS,
  'RemovalRepository.look': 'keeps when housekeeping looked; a look that is lost makes the next one wait',
  'ReplanRepository.claimPlanned': PLANNED,
  'ReplanRepository.removeRunsToCome': PLANNED,
  'ReplanRepository.setNext': PLANNED,
  'ReplanRepository.skipFarWaves': PLANNED,
  'ReplanService.replan': PLANNED,
  'ReplanService.replanSome': PLANNED,
  'ReportRepository.find': READS,
  'ReportRepository.findContent': READS,
  'ReportRepository.findSeq': READS,
  'ReportRepository.list': READS,
  'ReportRepository.listUnderWay': READS,
  'ResendRepository.page': READS,
  'ResendRepository.sources': READS,
  'RetentionRepository.countKeys': READS,
  'RetentionRepository.countMessages': READS,
  'RetentionRepository.forgetKeys': 'long after the message was accepted',
  'RetentionRepository.forgetValues': 'long after the end of a message',
  'RetentionRepository.removeMessages': 'long after the end of a message; its restarts are tested in housekeeping.spec',
  'RunRepository.countOld': READS,
  'RunRepository.findByKey': READS,
  'RunRepository.forgetKeys': 'long after the end of a run',
  'RunRepository.list': READS,
  'RunRepository.listWaves': READS,
  'RunRepository.removeOld': 'long after the end of a run',
  'RunRepository.removeRates': 'long after the end of a run',
  'SavedAudienceRepository.add': REGISTRATION,
  'SavedAudienceRepository.find': READS,
  'SavedAudienceRepository.hold': REGISTRATION,
  'SavedAudienceRepository.list': READS,
  'SavedAudienceRepository.remove': REGISTRATION,
  'SavedAudienceRepository.replace': REGISTRATION,
  'SharedTokenRepository.put': TOKENS,
  'SharedTokenRepository.removeExpired': TOKENS,
  'SharedTokenRepository.take': TOKENS,
  'SubscriptionRepository.add': REGISTRATION,
  'SubscriptionRepository.find': READS,
  'SubscriptionRepository.insert': REGISTRATION,
  'SubscriptionRepository.list': READS,
  'SubscriptionRepository.remove': REGISTRATION,
  'SubscriptionRepository.removeById': REGISTRATION,
  'SubscriptionRepository.setBroadcast': REGISTRATION,
  'SweepRepository.batchesToDeliver': READS,
  'SweepRepository.destinationsWithWaiting': READS,
  'SweepRepository.messagesToExpand': READS,
  'SweepRepository.unparkOver': 'the same single statement as unpark, which is killed at',
  'SweepRepository.waitAnew': 'a single statement; what it leaves is looked for at the next start',
  'TagRepository.add': REGISTRATION,
  'TagRepository.change': REGISTRATION,
  'TagRepository.count': READS,
  'TagRepository.existing': READS,
  'TagRepository.find': READS,
  'TagRepository.list': READS,
  'TagRepository.remove': REGISTRATION,
  'TallyRepository.fold': REGISTRATION,
  'TokenPassRepository.renew': REGISTRATION,
  'TokenPassRepository.takePage': REGISTRATION,
  'UrgentBatchRepository.claim': LOT,
  'UrgentBatchRepository.end': LOT,
  'UrgentBatchRepository.endTogether': LOT,
  'ValuesRepository.find': READS,
  'WaveRepository.claim': LOOKED,
  'WaveRepository.claimDue': LOOKED,
  'WaveRepository.claimOfRuns': LOOKED,
  'WaveRepository.claimOne': LOOKED,
  'WaveRepository.setRate': RATED,
  'WaveService.addTerms': INSIDE,
  'WaveService.decide': INSIDE,
  'WaveService.findZones': READS,
  'WaveService.send': LOOKED,
  'WaveService.sendDue': LOOKED,
  'WaveService.sendEach': LOOKED,
  'WaveService.sendOfRuns': INSIDE,
  'WaveService.skip': LOOKED,
  ...Object.fromEntries(
    ['add', 'change', 'endSecretBefore', 'remove', 'retryNow', 'rotateSecret'].map((name) => [
      `WebhookRepository.${name}`,
      BY_CALL,
    ]),
  ),
  ...Object.fromEntries(['attempts', 'list', 'open'].map((name) => [`WebhookRepository.${name}`, READS])),
  'WebhookEventRepository.end': 'a single statement of settle, which is killed at',
  'WebhookEventRepository.endSome': FAILING,
  'WebhookEventRepository.wait': FAILING,
  'WebhookReplayRepository.countOld': READS,
  'WebhookReplayRepository.moveSome': BY_CALL,
  'WebhookReplayRepository.removeOld': 'long after the event',
  'WebhookReplayRepository.replay': BY_CALL,
  'ZoneRulesRepository.beforeApplicationShutdown': ACCOUNT,
  'ZoneRulesRepository.onApplicationBootstrap': ACCOUNT,
  'ZoneRulesRepository.tell': ACCOUNT,
};
/** The second call is another moment: an expansion settles a message as well, and the last batch ends it. */
const ALSO_SECOND = ['finish', 'settleMessage'].map((name) => `BatchRepository.${name}`);
/** Each case starts the program anew, which on the embedded database takes 3 s of CPU: its own transactions, mainly. */
const ON_EMBEDDED = [
  'AcceptanceService.acceptAll',
  'ExpandService.expandPage',
  'ClaimService.claim',
  'BatchRepository.finish',
  'UrgentBatchRepository.claimLot',
  'UrgentBatchRepository.endLot',
  'ScheduledRepository.release',
];

/** The first checkpoint comes after a second. */
const LATENCY_MS = 1_100;
const LANES = 4;

const PRELOAD = fileURLToPath(new URL('../harness/kill-steps.mjs', import.meta.url));
const steps = listSteps();
const orders = steps
  .filter((step) => !(step in NOT_KILLED))
  .flatMap((step) => (ALSO_SECOND.includes(step) ? [1, 2] : [1]).map((nth) => ({ step, nth })))
  .flatMap((where) => [{ ...where, when: 'before' } as const, { ...where, when: 'after' } as const]);

let simulators: RunningSimulators;
beforeAll(async () => {
  simulators = await startSimulators();
  await simulators.admin.changeSettings({ apns: { latencyMs: LATENCY_MS, latencySigma: 0.05 } });
});
afterAll(() => simulators.stop());

it('no step is left out that exists no more', () => {
  expect(Object.keys(NOT_KILLED).filter((step) => !steps.includes(step))).toEqual([]);
});

describe.runIf(SERVERS)('on PostgreSQL and Redis', () => {
  playAll(() => SERVERS!, orders, LANES);
});
describe('on the embedded database', () => {
  const some = orders.filter(({ step, nth }) => nth === 1 && ON_EMBEDDED.includes(step));
  playAll(() => EMBEDDED, some, 2);
});

/** A few deployments at once; each takes the next case when it has survived one. */
function playAll(stage: () => Stage, list: readonly KillAt[], lanes: number): void {
  const outcomes = new Map<KillAt, Promise<void>>();
  const settle = new Map<KillAt, { resolve: () => void; reject: (error: unknown) => void }>();
  for (const order of list) {
    const outcome = new Promise<void>((resolve, reject) => settle.set(order, { resolve, reject }));
    outcome.catch(() => undefined);
    outcomes.set(order, outcome);
  }

  const waiting = [...list];
  let playing: Promise<unknown> = Promise.resolve();
  beforeAll(() => {
    playing = Promise.all(Array.from({ length: lanes }, (_, lane) => playLane(stage(), lane, waiting, settle)));
  });
  // After a test that took too long a lane may still be at its case, and has to end its program.
  afterAll(async () => {
    waiting.length = 0;
    await playing;
  });
  for (const order of list)
    it(`killed ${order.when} ${order.step}, call ${order.nth}: nothing lost`, () =>
      expect(outcomes.get(order)).resolves.toBeUndefined());
}

async function playLane(
  stage: Stage,
  index: number,
  waiting: KillAt[],
  settle: ReadonlyMap<KillAt, { resolve: () => void; reject: (error: unknown) => void }>,
): Promise<void> {
  const { environment, clean } = await stage.prepare();
  // Two programs in one database of Redis would take each other's jobs.
  if (environment.QUEUE_URL) environment.QUEUE_URL = environment.QUEUE_URL.replace(/\d+$/, String(index + 1));
  let lane: KillLane | null = null;
  for (let order = waiting.shift(); order; order = waiting.shift())
    try {
      lane ??= await KillLane.open({ ...environment, PROVIDER_CA_FILE: simulators.caPath ?? '' }, simulators);
      await playCase(lane, order);
      settle.get(order)?.resolve();
    } catch (error) {
      settle.get(order)?.reject(error);
      await lane?.close();
      lane = null;
    }
  await lane?.close();
  clean();
}

/** The sweeper looks for scheduled messages on every way; on this one there is one. */
const RELEASE = 'ScheduledRepository.release';

/** The ordinary way first; a step that is not on it comes with a campaign, a cancel, or trouble at the provider. */
async function playCase(lane: KillLane, order: KillAt): Promise<void> {
  const ways =
    order.step === RELEASE
      ? (['sendLater'] as const)
      : (['sendPlainly', 'sendByCampaign', 'sendAndCancel', 'sendIntoTrouble'] as const);
  for (const way of ways) {
    const { result, inFlight } = await lane.killDuring(order, async () => {
      const sent = await lane[way]();
      return { sent, reports: await lane.waitUntilEnded(sent) };
    });
    await expectKept(lane, result.sent, result.reports, inFlight ?? 0);
    await expectTold(lane, result.sent, result.reports);
    if (inFlight !== null) return;
  }
  throw new Error(`${order.step} is not reached: put it on a way, or say why not in NOT_KILLED`);
}

async function expectKept(
  lane: KillLane,
  sent: readonly Sent[],
  reports: readonly MessageReport[],
  inFlight: number,
): Promise<void> {
  let repeats = 0;
  for (const [index, { messageId, tokens }] of sent.entries()) {
    const { state, audience, outcomes } = reports[index]!;
    const { accepted = 0, rejected = 0, cancelled = 0, unknown = 0 } = outcomes;
    const received = await lane.countReceived(messageId);
    for (const count of received.values()) repeats += count - 1;
    const told = JSON.stringify({ state, audience, outcomes, received: received.size });
    expect(accepted + rejected + cancelled + unknown, told).toBe(audience);
    expect(tokens, told).toEqual(expect.arrayContaining([...received.keys()]));
    if (state === 'cancelled') {
      expect(received.size, told).toBeGreaterThanOrEqual(accepted);
      expect(received.size, told).toBeLessThanOrEqual(accepted + unknown);
      continue;
    }
    // The dead device is the only one that may be missing, and only from a broadcast.
    expect(audience, told).toBe(tokens.length);
    expect(received.size, told).toBe(accepted);
    expect(rejected, told).toBe(audience === CROWD ? 1 : 0);
    expect([cancelled, unknown], told).toEqual([0, 0]);
  }
  expect(repeats).toBeLessThanOrEqual(inFlight);
}

/** Each message has its events once, and the deliveries in them are those of the report, each once. */
async function expectTold(lane: KillLane, sent: readonly Sent[], reports: readonly MessageReport[]): Promise<void> {
  const events = await lane.readEvents(sent);
  expect(new Set(events.map(({ id }) => id)).size).toBe(events.length);
  // The webhook has posted each of them, a second time under the same id.
  const posted = new Map((await lane.awaitPosted(events)).map((event) => [event.id, event]));
  for (const event of events) expect(posted.get(event.id)).toEqual(event);
  for (const campaignId of new Set(events.flatMap(({ type, data }) => (isRun(type) ? [data.campaignId] : []))))
    expect(events.filter(({ type, data }) => isRun(type) && data.campaignId === campaignId)).toMatchObject([
      { type: 'campaign.run.started' },
      { type: 'campaign.run.finished' },
    ]);
  for (const [index, { messageId }] of sent.entries()) {
    const own = events.filter(({ data }) => data.messageId === messageId);
    const types = own.map(({ type }) => type).filter((type) => type.startsWith('message.'));
    expect(types.filter((type) => type === 'message.accepted')).toHaveLength(1);
    expect(types.filter((type) => type === 'message.finished')).toHaveLength(1);
    expect([types[0], own.at(-1)?.type]).toEqual(['message.accepted', 'message.finished']);
    for (const outcome of ['accepted', 'rejected', 'failed', 'expired', 'unknown']) {
      const lots = own.filter(({ type }) => type === `delivery.${outcome}`);
      const devices = lots.flatMap(({ data }) => data.deliveries ?? []).map(({ deviceId }) => deviceId);
      expect(devices).toHaveLength(reports[index]!.outcomes[outcome] ?? 0);
      expect(new Set(devices).size).toBe(devices.length);
    }
  }
}

function isRun(type: string): boolean {
  return type.startsWith('campaign.run.');
}

function listSteps(): string[] {
  if (!existsSync(new URL('../../dist/main.js', import.meta.url)))
    throw new Error('dist/main.js is missing: npm run build');
  return JSON.parse(execFileSync(process.execPath, ['--import', PRELOAD, '-e', ''], { encoding: 'utf8' })) as string[];
}
