import type { Stage } from './stage.js';

/** One attack: its actions until the signal, and the conditions checked afterwards. */
export interface Attack {
  name: string;
  /** The part of the program under attack: the limits of requests, the judgement of push services, or the locks. */
  section: 'peers' | 'door' | 'security';
  /** Runs until the signal. Returns the violations in words; empty is good. */
  run(stage: Stage, signal: AbortSignal): Promise<string[]>;
  /**
   * Path (in the neighbour's application) and body of the neighbour's requests; a message to a sandbox device if
   * absent.
   */
  neighbour?: { path: string; body: string };
}
