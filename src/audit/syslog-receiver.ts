import { isIP } from 'node:net';
import { hostname } from 'node:os';
import { connect } from 'node:tls';
import { SECOND_MS } from '../common/durations.js';
import type { DeliverableEvent, Receiver } from './receiver.js';
import { syslogFrame } from './syslog.js';

/** For a whole lot; the lease of the sender is longer. */
const DELIVER_MS = 10 * SECOND_MS;

export interface SyslogTarget {
  host: string;
  port: number;
  /** PEM of the receiver's authority; absent: those of Node. */
  ca?: string;
}

/**
 * Syslog over TLS. The protocol has no answers: a lot counts as received when the receiver ends the connection after
 * its last byte, which it does only behind all of them. A receiver that stands still does not end it.
 */
export class SyslogReceiver implements Receiver {
  readonly name = 'syslog';
  private readonly origin = { host: hostname(), pid: process.pid };

  constructor(private readonly target: SyslogTarget) {}

  deliver(events: readonly DeliverableEvent[]): Promise<void> {
    const { host, port, ca } = this.target;
    const frames = events.map((event) => syslogFrame(event, this.origin)).join('');
    return new Promise((resolve, reject) => {
      let [isWritten, isEnded] = [false, false];
      const socket = connect({ host, port, ca, ...(isIP(host) === 0 && { servername: host }) }, () =>
        socket.end(frames, () => (isWritten = true)),
      );
      const timer = setTimeout(() => socket.destroy(new Error('the receiver does not answer')), DELIVER_MS);
      socket.once('end', () => (isEnded = isWritten));
      socket.once('error', reject);
      socket.once('close', () => {
        clearTimeout(timer);
        if (isEnded) resolve();
        else reject(new Error('the receiver closed the connection too early'));
      });
      socket.resume();
    });
  }
}
