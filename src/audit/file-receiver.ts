import { open } from 'node:fs/promises';
import type { DeliverableEvent, Receiver } from './receiver.js';

const NEWLINE = 10;
const MODE = 0o640;

/** Appends to a file. The file is opened for each lot, so that one that was moved away is made again. */
export class FileReceiver implements Receiver {
  readonly name = 'file';

  constructor(private readonly path: string) {}

  async deliver(events: readonly DeliverableEvent[]): Promise<void> {
    const file = await open(this.path, 'a+', MODE);
    try {
      const { size } = await file.stat();
      const last = Buffer.alloc(1);
      if (size > 0) await file.read(last, 0, 1, size - 1);
      // The end of a line is missing if a process or its disk stopped within a write; the event then comes again.
      const start = size > 0 && last[0] !== NEWLINE ? '\n' : '';
      await file.appendFile(`${start}${events.map(({ json }) => `${json}\n`).join('')}`);
      await file.datasync();
    } finally {
      await file.close();
    }
  }
}
