import { afterAll, beforeAll } from 'vitest';
import { Api } from './api.js';
import { startCarillon } from './carillon.js';
import type { RunningCarillon } from './carillon.js';

/** The program that the tests of a file, or of a describe block, call. */
export interface Program {
  readonly carillon: RunningCarillon;
  /** Calls with a token for all scopes. */
  readonly api: Api;
}

interface Place {
  prepare(): Promise<{ environment: Record<string, string>; clean: () => void }>;
}
interface Options {
  /** Further settings besides the place's, read when the program starts. */
  environment?: () => Record<string, string>;
  /** Node's flags. */
  flags?: readonly string[];
}

/** Started before the surrounding tests and ended after them. */
export function runProgram(place: Place, { environment, flags }: Options = {}): Program {
  let running: { carillon: RunningCarillon; api: Api } | undefined;
  let clean: (() => void) | undefined;
  beforeAll(async () => {
    const prepared = await place.prepare();
    clean = prepared.clean;
    const carillon = await startCarillon({ ...prepared.environment, ...environment?.() }, flags);
    running = { carillon, api: await Api.connect(carillon.url) };
  });
  afterAll(async () => {
    await running?.carillon.stop();
    clean?.();
  });
  const get = (): NonNullable<typeof running> => {
    if (!running) throw new Error('the program does not run yet');
    return running;
  };
  return {
    get carillon() {
      return get().carillon;
    },
    get api() {
      return get().api;
    },
  };
}
