import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, renameSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';

/**
 * The commit that added this file counts as the release before. With each release, name a file that came with the one
 * before: the commit is found by the file, because a hash does not outlive a rebase.
 */
const CAME_WITH = 'src/database/migrations/0063-demanded-steps.ts';

const git = (...args: string[]): string => execFileSync('git', args, { encoding: 'utf8' }).trim();

/** Null in a clone without this part of the history. */
export function findReleaseBefore(): string | null {
  const commit = git('log', '--diff-filter=A', '--format=%H', '--', CAME_WITH).split('\n').at(-1);
  // The first commit of a clone that was cut off seems to add every file.
  return commit && git('rev-list', '--count', commit) !== '1' ? commit : null;
}

/** Builds the program of the commit once, with the packages of today. Returns its main file. */
export function buildRelease(commit: string): string {
  const releases = 'node_modules/.cache/carillon-releases';
  const folder = join(releases, commit);
  if (!existsSync(folder)) {
    mkdirSync(releases, { recursive: true });
    const unfinished = mkdtempSync(join(releases, 'unfinished-'));
    const archive = execFileSync('git', ['archive', commit], { maxBuffer: 1 << 30 });
    execFileSync('tar', ['--extract', '--directory', unfinished], { input: archive });
    symlinkSync(join(process.cwd(), 'node_modules'), join(unfinished, 'node_modules'));
    execFileSync('npm', ['run', '--silent', 'program:build'], { cwd: unfinished });
    renameSync(unfinished, folder);
  }
  return join(folder, 'dist', 'main.js');
}
