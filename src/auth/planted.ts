/** Interfaces for campaigns and messages that a departed client leaves behind and that would still be sent. */

/** Injection token of every `PlantedKind`. */
export const PLANTED = Symbol('planted');

/** The number of ids listed per kind and application. */
export const MAX_IDS = 20;

/** The campaigns or messages of one client in one application. */
export interface Planted {
  clientId: string;
  applicationId: string;
  count: number;
  /** The oldest, at most `MAX_IDS`. */
  ids: string[];
}

/** Campaigns or messages. */
export interface PlantedKind {
  readonly kind: 'campaigns' | 'messages';
  /** One entry per client and application. */
  list(clientIds: readonly string[]): Promise<Planted[]>;
  /**
   * Stops the next batch; returns the number of examined entries, 0 if none is left. Stopped entries create no further
   * messages.
   */
  stopSome(clientId: string, applicationId: string, reason: string): Promise<number>;
}
