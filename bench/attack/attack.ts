import type { Stage } from './stage.js';

/** One attack: what it does until the signal, and what has to be true afterwards. */
export interface Attack {
  name: string;
  /** What of the program it tries to stop: its requests' door, its verdicts on push services, its locks. */
  section: 'peers' | 'door' | 'security';
  /** Goes on until the signal. Answers what must not have happened, in words; nothing is the good answer. */
  run(stage: Stage, signal: AbortSignal): Promise<string[]>;
  /** Path (in the neighbour's application) and body of what the neighbour sends meanwhile; a message to a sandbox device if absent. */
  neighbour?: { path: string; body: string };
}
