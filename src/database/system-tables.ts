/** The tables of the running installation. */

export interface ProcessTable {
  id: string;
  name: string;
  roles: string[];
  version: string;
  host: string;
  started_at: Date;
  seen_at: Date;
  ended_at: Date | null;
}
