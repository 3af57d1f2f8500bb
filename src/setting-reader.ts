import { readFileSync } from 'node:fs';
import { isHostPattern } from './common/host-list.js';
import { readWhole } from './setting-values.js';
import { SETTINGS } from './settings.js';

/** Reads single settings of an environment, and collects in `problems` what is wrong with them. */
export class SettingReader {
  readonly problems: string[] = [];
  /** Contents by setting: a pipe can be read once. */
  private readonly files = new Map<string, string>();

  constructor(private readonly environment: NodeJS.ProcessEnv) {}

  /** The setting's text, or its default if the variable is absent or empty. */
  value(name: string): string {
    const setting = SETTINGS.find((known) => known.name === name);
    if (!setting) throw new Error(`${name} is not in SETTINGS`);
    const text = this.environment[name]?.trim() ?? '';
    const file = setting.isSecret && this.environment[fileOf(name)]?.trim();
    if (file) {
      this.check(text === '', `${name} and ${fileOf(name)} are both set: remove one of them`);
      return this.contentOf(name, file);
    }
    // `docker run --env-file` keeps quotes that a shell would remove.
    const quoted = /^(["'])(.*)\1$/.exec(text)?.[2];
    if (quoted !== undefined)
      this.problems.push(`${name} is in quotes, which would be a part of its value: remove them`);
    return (quoted ?? text) || setting.fallback;
  }

  /** Files end with a line end, which is not a part of the secret; editors of Windows also put a mark in front. */
  private contentOf(name: string, file: string): string {
    const known = this.files.get(name);
    if (known !== undefined) return known;
    let content = '';
    try {
      content = readFileSync(file, 'utf8')
        .replace(/^\uFEFF/, '')
        .replace(/\r?\n$/, '');
      this.check(content !== '', `${fileOf(name)} names an empty file`);
    } catch (error) {
      // Without the path: a secret may stand there by mistake.
      this.problems.push(`${fileOf(name)} cannot be read (${(error as NodeJS.ErrnoException).code})`);
    }
    this.files.set(name, content);
    return content;
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

/** The variable with the path of a file that contains a secret setting. */
export function fileOf(name: string): string {
  return `${name}_FILE`;
}
