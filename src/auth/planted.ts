/** What a client leaves behind that would still send, as the rooms that keep it tell of it. */

/** Injection token of every `PlantedKind`. */
export const PLANTED = Symbol('planted');

/** Ids told of one kind in one application. */
export const MAX_IDS = 20;

/** What of one kind one client has planted in one application. */
export interface Planted {
  clientId: string;
  applicationId: string;
  count: number;
  /** The oldest, `MAX_IDS` at most. */
  ids: string[];
}

/** Campaigns, or messages. */
export interface PlantedKind {
  readonly kind: 'campaigns' | 'messages';
  /** By client and application. */
  list(clientIds: readonly string[]): Promise<Planted[]>;
  /** Stops the next lot; answers how many it has looked at: 0 when nothing is left. Nothing more of them is written then. */
  stopSome(clientId: string, applicationId: string, reason: string): Promise<number>;
}
