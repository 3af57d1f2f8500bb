/** Kinds that are distinguished at once; further ones count as one kind. */
const MAX_KINDS = 1_000;

interface Open {
  more: number;
  timer: NodeJS.Timeout;
  tell: (more: number) => void;
}

/** Events of one kind: the first is recorded at once, and the number of the others at the end of the interval. */
export class Groups {
  private readonly open = new Map<string, Open>();

  constructor(private readonly intervalMs: number) {}

  /** True: record this event. `tell` gets the number of further events of the kind, if there are some. */
  isFirst(kind: string, tell: (more: number) => void): boolean {
    const key = this.open.has(kind) || this.open.size < MAX_KINDS ? kind : '';
    const group = this.open.get(key);
    if (group) {
      group.more++;
      return false;
    }
    const timer = setTimeout(() => this.close(key), this.intervalMs).unref();
    this.open.set(key, { more: 0, timer, tell });
    return true;
  }

  /** At the end of the process. */
  closeAll(): void {
    for (const key of [...this.open.keys()]) this.close(key);
  }

  private close(key: string): void {
    const group = this.open.get(key);
    if (!group) return;
    clearTimeout(group.timer);
    this.open.delete(key);
    if (group.more > 0) group.tell(group.more);
  }
}
