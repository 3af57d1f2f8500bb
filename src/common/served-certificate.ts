import { Inject, Injectable, Logger } from '@nestjs/common';
import { X509Certificate } from 'node:crypto';
import { readCertifiedKey } from './certified-key.js';
import type { CertifiedKey, TlsFiles } from './certified-key.js';
import { Clock } from './clock.js';
import { DAY_MS, ENDS_SOON_DAYS } from './durations.js';
import { CONFIG } from './tokens.js';

/** The certificate of this server, replaced while it runs. Without TLS of its own there is none. */
@Injectable()
export class ServedCertificate {
  private readonly log = new Logger('TLS');
  private endsAt: Date | undefined;

  constructor(
    @Inject(CONFIG) private readonly config: { tls?: TlsFiles },
    private readonly clock: Clock,
  ) {}

  /** The end if it is soon, else null. */
  endsSoon(now: number): Date | null {
    return this.endsAt && this.endsAt.getTime() - now < ENDS_SOON_DAYS * DAY_MS ? this.endsAt : null;
  }

  /** For new handshakes; connections that are open keep theirs. A faulty pair changes nothing. */
  serve(use: (pair: CertifiedKey) => void): void {
    const { tls } = this.config;
    if (!tls) return;
    try {
      const pair = readCertifiedKey(tls);
      const { validTo, serialNumber } = new X509Certificate(pair.cert);
      use(pair);
      this.endsAt = new Date(validTo);
      this.log.log(`Serves the certificate ${serialNumber}, which ends on ${this.endsAt.toISOString()}`);
    } catch (error) {
      const { code, message } = error as NodeJS.ErrnoException;
      this.log.error(
        `TLS_CERT_FILE and TLS_KEY_FILE cannot be used (${code ?? message}): the certificate before is kept`,
      );
    }
    this.warn();
  }

  /** Called at each change and once a day. */
  warn(): void {
    const end = this.endsSoon(this.clock.now());
    if (end) this.log.warn(`The certificate of this server ends on ${end.toISOString()}: replace it, then send SIGHUP`);
  }
}
