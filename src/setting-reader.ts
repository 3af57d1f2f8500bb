import { isHostPattern } from './common/host-list.js';
import { readWhole } from './setting-values.js';
import { SETTINGS } from './settings.js';

/** Reads single settings of an environment, and collects in `problems` what is wrong with them. */
export class SettingReader {
  readonly problems: string[] = [];

  constructor(private readonly environment: NodeJS.ProcessEnv) {}

  /** The setting's text, or its default if the variable is absent or empty. */
  value(name: string): string {
    const setting = SETTINGS.find((known) => known.name === name);
    if (!setting) throw new Error(`${name} is not in SETTINGS`);
    const text = this.environment[name]?.trim() ?? '';
    // `docker run --env-file` keeps quotes that a shell would remove.
    const quoted = /^(["'])(.*)\1$/.exec(text)?.[2];
    if (quoted !== undefined)
      this.problems.push(`${name} is in quotes, which would be a part of its value: remove them`);
    return (quoted ?? text) || setting.fallback;
  }

  check(ok: boolean, problem: string): void {
    if (!ok) this.problems.push(problem);
  }

  whole(name: string, min: number, max: number): number {
    const number = readWhole(this.value(name));
    this.check(number >= min && number <= max, `${name} must be a whole number from ${min} to ${max}`);
    return number;
  }

  /** A setting in whole seconds, as ms. */
  secondsInMs(name: string, min = 1, max = 3_600): number {
    return this.whole(name, min, max) * 1_000;
  }

  list(name: string): string[] {
    return this.value(name)
      .split(',')
      .map((item) => item.trim())
      .filter((item) => item !== '');
  }

  hosts(name: string): string[] {
    const list = this.list(name).map((host) => host.toLowerCase());
    const form = 'hosts such as name, name:8443 or *.name, without https://';
    this.check(list.every(isHostPattern), `${name} must be a list of ${form}`);
    return list;
  }
}
