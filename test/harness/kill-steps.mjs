import { readFileSync, readdirSync } from 'node:fs';

/**
 * Loaded before the built program (`node --import`): kills the process at a named step. Steps are the methods of the
 * repositories, of the delivery queue and of the services that open transactions. TEST_KILL_FILE names a file, read at
 * every step: `{"step": "ClaimService.claim", "when": "before" | "after", "nth": 1}`; without the file nothing happens.
 * Without the variable it prints the steps.
 */

const FOLDERS = ['applications', 'campaigns', 'delivery', 'devices', 'events', 'messages', 'webhooks'];
const DURABLE = /(\.(repository|queue)|\/(acceptance|claim|expand|firing|pace|replan|wave)\.service)\.js$/;
const file = process.env.TEST_KILL_FILE;
const calls = new Map();
const steps = [];

for (const folder of FOLDERS) {
  const place = new URL(`../../dist/${folder}/`, import.meta.url);
  for (const name of readdirSync(place, { recursive: true }).filter((each) => DURABLE.test(`/${each}`)))
    for (const [className, found] of Object.entries(await import(new URL(name, place).href)))
      if (typeof found === 'function' && className.match(/(Repository|Queue|Service)$/))
        wrapMethods(className, found.prototype);
}
if (file === undefined) process.stdout.write(JSON.stringify(steps));

function wrapMethods(className, prototype) {
  for (const [name, { value: original }] of Object.entries(Object.getOwnPropertyDescriptors(prototype))) {
    if (name === 'constructor' || typeof original !== 'function') continue;
    const step = `${className}.${name}`;
    steps.push(step);
    prototype[name] = function (...words) {
      // A call with an empty list is not a step.
      if (Array.isArray(words[0]) && words[0].length === 0) return original.apply(this, words);
      const when = armedFor(step);
      if (when === 'before') die();
      const result = original.apply(this, words);
      return when === 'after' ? result.then(die) : result;
    };
  }
}

/** Calls are counted from the time when the file exists. */
function armedFor(step) {
  if (file === undefined) return null;
  let order;
  try {
    order = JSON.parse(readFileSync(file, 'utf8'));
  } catch {
    calls.clear();
    return null;
  }
  if (order.step !== step) return null;
  const nth = (calls.get(step) ?? 0) + 1;
  calls.set(step, nth);
  return nth === order.nth ? order.when : null;
}

function die() {
  process.kill(process.pid, 'SIGKILL');
  // Blocks the thread, so that no further statement runs.
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);
}
