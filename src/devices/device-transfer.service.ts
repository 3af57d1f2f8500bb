import { Inject, Injectable } from '@nestjs/common';
import type { OnModuleDestroy } from '@nestjs/common';
import { setMaxListeners } from 'node:events';
import { ApplicationsService } from '../applications/applications.service.js';
import { checkBody, parseJson } from '../common/body.js';
import { Clock } from '../common/clock.js';
import { ApiError } from '../common/errors.js';
import { FairTurns } from '../common/fair-turns.js';
import { readTrailer } from '../common/line-answer.js';
import { readLines } from '../common/lines.js';
import type { Line } from '../common/lines.js';
import { readUtf8 } from '../common/text.js';
import { CONFIG } from '../common/tokens.js';
import { Turn } from '../common/turn.js';
import { untilAborted } from '../common/until-aborted.js';
import type { Config } from '../config.js';
import { PROVIDERS } from '../providers/providers.module.js';
import type { Providers } from '../providers/providers.module.js';
import { AudienceRepository } from './audience.repository.js';
import { DeviceQuota } from './device-quota.js';
import { DeviceRegistrationRepository } from './device-registration.repository.js';
import type { ImportedDevice } from './registration.js';
import { DeviceTransferRepository } from './device-transfer.repository.js';
import type { TaggedDevice } from './device-transfer.repository.js';
import { ImportDeviceDto } from './device.dto.js';
import { toRegistration } from './devices.service.js';
import { ImportReport } from './import-report.js';

/** One statement of some 15 ms; reading as many lines takes as long. */
const BATCH = 500;
/** Of one batch, beside its last line: 10 MB at most. */
const TAG_NAMES = 20_000;
/** Some 400 KB. */
const EXPORT_PAGE = 1_000;
/** Batches written at once: each holds a connection to the database for some 15 ms, and other requests need some too. */
const AT_ONCE = 4;
/** As of any other body. A device alone is at most 128 KiB; the rest is for the names of thousands of tags. */
const MAX_LINE = 1_048_576;

/** A device, and the number of its line. */
interface Numbered {
  line: number;
  device: ImportedDevice;
}

/** All devices of an application in and out, one JSON object a line, in the memory of a few batches. */
@Injectable()
export class DeviceTransferService implements OnModuleDestroy {
  /** Of applications: one that imports over many connections waits for itself. */
  private readonly turns = new FairTurns(AT_ONCE);
  private readonly stopping = new AbortController();

  constructor(
    @Inject(PROVIDERS) private readonly providers: Providers,
    private readonly applications: ApplicationsService,
    private readonly audience: AudienceRepository,
    private readonly devices: DeviceTransferRepository,
    private readonly registrations: DeviceRegistrationRepository,
    private readonly quota: DeviceQuota,
    private readonly clock: Clock,
    @Inject(CONFIG) private readonly config: Pick<Config, 'shutdownTimeoutMs'>,
  ) {
    // Each import has one, and Node takes eleven for a leak.
    setMaxListeners(0, this.stopping.signal);
  }

  /** A short import ends within half of the time that a stop has, and a long one has the rest for its answer. */
  onModuleDestroy(): void {
    const stop = (): void =>
      this.stopping.abort(new ApiError('FPWSE0025E', 'The import broke off: this process stops.'));
    setTimeout(stop, this.config.shutdownTimeoutMs / 2).unref();
  }

  /**
   * Registers the device of each line, as POST does. A bad line is reported and the others kept. What was read is kept
   * also when the import breaks off; importing again changes nothing of it. Throws FPWSE0025E when the database is away or
   * this process stops.
   */
  importDevices(applicationId: string, source: AsyncIterable<Buffer>): Promise<ImportReport> {
    return Turn.give((turn) => this.importInTurns(turn, applicationId, source));
  }

  private async importInTurns(turn: Turn, applicationId: string, source: AsyncIterable<Buffer>): Promise<ImportReport> {
    await this.applications.getApplication(applicationId);
    const report = new ImportReport();
    let batch: Numbered[] = [];
    let tagNames = 0;
    // One batch is written while the next is read; the stream waits for both.
    let writing: Promise<void> = Promise.resolve();
    const write = async (): Promise<void> => {
      await writing;
      writing = this.write(applicationId, batch, report);
      // Its failure is met at the next one.
      writing.catch(() => undefined);
      batch = [];
      tagNames = 0;
    };
    const writeRest = async (): Promise<void> => {
      await write();
      await writing;
    };
    try {
      for await (const lines of readLines(untilAborted(source, this.stopping.signal), MAX_LINE))
        for (const line of lines) {
          if (turn.isOver) await turn.pass();
          const read = readLine(line, this.providers);
          if (typeof read === 'number') report.close(line.number, read);
          else report.pass();
          if (read instanceof ApiError) report.reject(line.number, read);
          else if (typeof read === 'object') {
            tagNames += read.tagNames?.length ?? 0;
            if (batch.push({ line: line.number, device: read }) === BATCH || tagNames >= TAG_NAMES) await write();
          }
        }
    } catch (error) {
      await writeRest();
      throw error instanceof ApiError ? withKept(error, report) : error;
    }
    await writeRest();
    return report;
  }

  /** Those that can be sent to, in the order of their registration; what is registered meanwhile is left out. */
  async exportDevices(applicationId: string): Promise<AsyncIterable<TaggedDevice[]>> {
    await this.applications.getApplication(applicationId);
    return this.exportPages(applicationId, await this.audience.highestSeq(applicationId));
  }

  private async *exportPages(applicationId: string, max: number): AsyncGenerator<TaggedDevice[]> {
    for (let after: number | undefined = 0; after !== undefined;) {
      const page = await this.devices.page(applicationId, { after, max, limit: EXPORT_PAGE });
      yield page.devices;
      after = page.last;
    }
  }

  private async write(applicationId: string, batch: readonly Numbered[], report: ImportReport): Promise<void> {
    if (batch.length === 0) return;
    try {
      await this.turns.take(applicationId, async () => {
        const devices = await this.withinQuotas(applicationId, batch, report);
        if (devices.length === 0) return;
        report.keep(await this.registrations.putMany(applicationId, devices, new Date(this.clock.now())));
      });
    } catch (error) {
      if (error instanceof ApiError && error.status < 500) throw error;
      throw withKept(new ApiError('FPWSE0025E', 'The import broke off.', {}, { cause: error }), report);
    }
  }

  /** The devices that there is room for; the lines of the others are rejected. */
  private async withinQuotas(
    applicationId: string,
    batch: readonly Numbered[],
    report: ImportReport,
  ): Promise<ImportedDevice[]> {
    const refused = await this.quota.refuseImported(
      applicationId,
      batch.map(({ device }) => device),
    );
    return batch.flatMap(({ line, device }) => {
      const error = refused.get(device);
      if (!error) return [device];
      report.reject(line, error);
      return [];
    });
  }
}

/** Says what was kept of an import that breaks off. */
function withKept({ code, message, headers, cause }: ApiError, report: ImportReport): ApiError {
  const { lines, rejected } = report.summarize();
  return new ApiError(code, `${message} ${lines - rejected} devices are registered: import again.`, headers, { cause });
}

/** The registration of a line, the count of a trailer, or why it is neither. */
function readLine({ bytes }: Line, providers: Providers): ImportedDevice | number | ApiError {
  if (bytes === null) return new ApiError('FPWSE0004E', `The line is longer than ${MAX_LINE} bytes.`);
  try {
    const line = parseJson(readUtf8(bytes, 'line'), 'line');
    const count = readTrailer(line);
    if (count !== undefined) return count;
    const { value } = checkBody(ImportDeviceDto, line);
    return { ...toRegistration(value, providers), ...(value.tagNames && { tagNames: value.tagNames }) };
  } catch (error) {
    if (error instanceof ApiError) return error;
    throw error;
  }
}
