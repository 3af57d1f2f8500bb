/** A setting in the environment. */
export interface Setting {
  name: string;
  fallback: string;
  meaning: string;
  /** `<name>_FILE` may name a file that contains the value. */
  isSecret?: true;
}
