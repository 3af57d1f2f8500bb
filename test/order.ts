import { basename } from 'node:path';
import type { TestSpecification } from 'vitest/node';
import { BaseSequencer } from 'vitest/node';

/** Files that wait for pauses, timeouts and servers for most of their time, the longest first. */
const WAITING = [
  'alerts',
  'upgrade',
  'figures',
  'connections',
  'stopping',
  'database-away',
  'outages',
  'backup',
  'unavailable',
  'crash',
  'deployment',
  'cut-short',
  'chaos',
  'replacement',
  'reports',
  'operations-guide',
  'clocks',
  'lost-connections',
  'standby',
  'slow',
  'systemd',
  'full-disk',
  'waits',
].map((name) => `${name}.spec.ts`);

/** The part of a group in which the files that wait begin, so that none of them is left alone at its end. */
const EARLY = 0.7;

/**
 * Runs the projects of a group side by side, where vitest's own order runs one after the other: at each time there are
 * files that compute and files that wait, and the processor is never idle.
 */
export class Order extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const kinds = new Map<string, TestSpecification[]>();
    for (const file of await super.sort(files)) kinds.set(kindOf(file), [...(kinds.get(kindOf(file)) ?? []), file]);
    const places = new Map<TestSpecification, number>();
    for (const [kind, members] of kinds) {
      if (kind === 'waiting') members.sort((a, b) => WAITING.indexOf(nameOf(a)) - WAITING.indexOf(nameOf(b)));
      const share = kind === 'waiting' ? EARLY : 1;
      for (const [index, file] of members.entries()) places.set(file, (share * index) / members.length);
    }
    return [...places.keys()].sort((a, b) => groupOf(a) - groupOf(b) || (places.get(a) ?? 0) - (places.get(b) ?? 0));
  }
}

function kindOf(file: TestSpecification): string {
  return WAITING.includes(nameOf(file)) ? 'waiting' : file.project.name;
}

function nameOf(file: TestSpecification): string {
  return basename(file.moduleId);
}

function groupOf(file: TestSpecification): number {
  return file.project.config.sequence.groupOrder;
}
