import { Stage } from './stage.js';

/** Promises that were not kept. */
const broken: string[] = [];

type Trial = (stage: Stage) => Promise<void>;

/** Runs the trials that the command line names, else all, each with processes of its own. */
export async function runTrials(bench: string, trials: Readonly<Record<string, Trial>>): Promise<void> {
  const asked = process.argv.slice(2);
  for (const name of asked.length > 0 ? asked : Object.keys(trials)) {
    const stage = await Stage.open();
    try {
      await trials[name]!(stage);
    } finally {
      await stage.close();
    }
  }
  endTrials(bench);
}

/** Prints the account. */
export function endTrials(bench: string): void {
  for (const words of broken) console.log(`BROKEN  ${words}`);
  console.log(JSON.stringify({ bench, broken }));
  process.exitCode = broken.length > 0 ? 1 : 0;
}

export function holds(words: string, isTrue: boolean): void {
  console.log(`${isTrue ? 'holds ' : 'BROKEN'}  ${words}`);
  if (!isTrue) broken.push(words);
}
