/**
 * The long run of the session's fuzz test: `npm run fuzz -- [seconds, default 60] [seed]`. Stops at the first violation
 * with the seed and the smallest failing conversation, and exits non-zero.
 */
import fc from 'fast-check';
import { conversation, play } from '../test/medium/http2/session-harness.js';

const seconds = Number(process.argv[2] ?? 60);
const firstSeed = Number(process.argv[3] ?? Date.now() % 0x7fff_ffff);
const until = performance.now() + seconds * 1000;
const RUNS_A_ROUND = 5000;

let runs = 0;
const outcomes: Record<string, number> = {};

for (let seed = firstSeed; performance.now() < until; seed++) {
  const property = fc.property(conversation, (c) => {
    for (const kinds of play(c).outcomes.values()) outcomes[kinds[0]!] = (outcomes[kinds[0]!] ?? 0) + 1;
  });
  const report = fc.check(property, {
    seed,
    numRuns: RUNS_A_ROUND,
    interruptAfterTimeLimit: until - performance.now(),
  });
  runs += report.numRuns;
  if (!report.failed || report.interrupted) continue;
  console.error(fc.defaultReportMessage(report) ?? `failed with seed ${seed}`);
  console.error(`again: npm run fuzz -- ${seconds} ${seed}`);
  process.exit(1);
}
console.log(`${runs} conversations from seed ${firstSeed}, no promise broken`);
console.log(JSON.stringify({ fuzz: 'http2', runs, seed: firstSeed, outcomes }));
