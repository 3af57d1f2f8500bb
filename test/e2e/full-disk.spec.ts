import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { runAfter, startCarillon } from '../harness/carillon.js';

/** A full disk: one line with the setting, the reason and the remedy, and nothing that prevents the next start. */

const folders: string[] = [];
function newFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'carillon-full-'));
  folders.push(folder);
  return folder;
}
afterEach(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true });
});

/**
 * After `trap "" XFSZ` the kernel answers EFBIG to writes beyond this number of blocks of 512 bytes per file, like
 * ENOSPC on a full disk.
 */
const LIMIT = 'trap "" XFSZ; ulimit -f';
const IN_NAMESPACE = ['unshare', '-rm'];
const MOUNTS = spawnSync('unshare', ['-rm', 'mount', '-t', 'tmpfs', 'tmpfs', tmpdir()]).status === 0;

describe('a start with a full disk', () => {
  it('logs it in one line, and with space it starts in the same folder', async () => {
    const folder = newFolder();
    const { status, stderr } = runAfter(`${LIMIT} 1000`, { DATA_DIR: folder });
    expect([status, stderr]).toEqual([
      1,
      expect.stringMatching(
        /^carillon: DATA_DIR \S+: its disk .*, and 100 MB for 1500 files are needed: free some.*\n$/,
      ),
    ]);
    const carillon = await startCarillon({ DATA_DIR: folder });
    expect((await carillon.stop()).code).toBe(0);
  });

  it('leaves no part of a master key, which later starts would refuse', () => {
    const dataDir = newFolder();
    const vault = new URL('../../dist/common/vault.js', import.meta.url).href;
    const text = `import { openVault } from '${vault}'; openVault({ dataDir: '${dataDir}' })`;
    const node = `"${process.execPath}" --input-type=module -e "${text}"`;
    const statuses = [`${LIMIT} 0`, 'true'].map(
      (limit) => spawnSync('/bin/sh', ['-c', `${limit}; exec ${node}`]).status,
    );
    expect(statuses).toEqual([1, 0]);
    expect(readdirSync(dataDir)).toEqual(['master.key']);
  });

  it.runIf(MOUNTS).each([
    ['is full', 'size=8m', 'cat /dev/zero >"$MOUNT/x" 2>/dev/null', '0 MB left'],
    ['has room for a part of the database', 'size=8m', 'true', '[0-9] MB left'],
    ['has no room for the lock', 'nr_inodes=1', 'true', 'room for 0 files'],
    ['has room for some files', 'nr_inodes=40', 'true', 'room for [0-9]+ files'],
  ])('names DATA_DIR on a tmpfs that %s', (_what, options, lines, has) => {
    const MOUNT = newFolder();
    const mount = `mount -t tmpfs -o ${options} tmpfs "$MOUNT"; ${lines}`;
    const { status, stderr } = runAfter(mount, { MOUNT, DATA_DIR: MOUNT }, IN_NAMESPACE);
    expect([status, stderr]).toEqual([1, expect.stringMatching(/^[^\n]+\n$/)]);
    expect(stderr).toMatch(new RegExp(`^carillon: DATA_DIR ${MOUNT}: its disk has ${has}, and 100 MB`));
  });
});
