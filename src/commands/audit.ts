import { readFileSync } from 'node:fs';
import { ChainRepository } from '../audit/chain.repository.js';
import { Verification } from '../audit/verification.js';
import type { Checkpoint } from '../audit/verification.js';
import { StartError } from '../common/start-error.js';
import { readStores } from '../config.js';
import { inspectDatabase, openDatabase } from '../database/database.js';
import type { Database, Inspected } from '../database/database.js';
import { recordCommand } from './recorded.js';
import type { Command } from './command.js';

/** Checks the chain of the audit, or prints its last event as a checkpoint. */
export const audit: Command = async (say, [verb, _option, file]) => {
  if (verb === 'checkpoint')
    return withChain(async (chains, database) => {
      const { seq, hash } = await chains.read((chain) => Promise.resolve(chain));
      say(JSON.stringify({ seq, hash: hash.toString('hex') }));
      await recordCommand(database, say, 'checkpoint', { seq });
      return 0;
    });
  const checkpoints = file === undefined ? [] : readCheckpoints(file, say);
  return withChain((chains) => verify(chains, checkpoints, say));
};

async function withChain(
  work: (chains: ChainRepository, database: Pick<Database, 'pool'>) => Promise<number>,
): Promise<number> {
  const { databaseUrl, dataDir } = readStores();
  const database = databaseUrl ? await inspectDatabase(databaseUrl) : await openDatabase({ dataDir });
  try {
    const { pending = [] } = database as Partial<Inspected>;
    if (pending.length > 0) throw new StartError(`The database lacks migrations: ${pending.join(', ')}`);
    return await work(new ChainRepository(database), database);
  } finally {
    await database.close();
  }
}

function verify(chains: ChainRepository, checkpoints: readonly Checkpoint[], say: (line: string) => void) {
  return chains.read(async (chain, steps, waiting) => {
    const verification = new Verification(chain, checkpoints);
    for await (const events of steps) for (const event of events) verification.add(event);
    const problems = verification.end(waiting);
    for (const problem of problems) say(problem);
    const { count, compared, outdated } = verification;
    if (chain.foldedSeq > 0) say(`Events up to ${chain.foldedSeq} were removed by their age`);
    if (outdated > 0) say(`Checkpoints of removed events, which cannot be compared: ${outdated}`);
    const [oldest] = waiting;
    if (oldest) say(`Not in the chain yet: ${waiting.length}, the oldest of ${oldest.at.toISOString()}`);
    const found = problems.length === 0 ? 'is whole' : 'IS BROKEN';
    say(`The chain ${found}: ${count} events up to ${chain.seq}, compared with ${compared} checkpoints`);
    return problems.length === 0 ? 0 : 1;
  });
}

/** Lines of JSON with `seq` and `hash`: printed checkpoints, or an export. */
function readCheckpoints(file: string, say: (line: string) => void): Checkpoint[] {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    throw new StartError(`The checkpoints in ${file} cannot be read`, error);
  }
  const found = text.split('\n').flatMap((line, index) => {
    if (line.trim() === '') return [];
    try {
      const { seq, hash } = JSON.parse(line) as Partial<Checkpoint>;
      return typeof seq === 'number' && typeof hash === 'string' ? [{ seq, hash }] : [];
    } catch {
      say(`Line ${index + 1} of ${file} is not JSON, and is left out`);
      return [];
    }
  });
  if (found.length === 0) throw new StartError(`${file} has no line with seq and hash`);
  return found;
}
