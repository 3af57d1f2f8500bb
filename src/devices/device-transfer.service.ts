import { Inject, Injectable } from '@nestjs/common';
import type { OnModuleDestroy } from '@nestjs/common';
import { setMaxListeners } from 'node:events';
import { ApplicationsService } from '../applications/applications.service.js';
import { checkBody, parseJson } from '../common/body.js';
import { Clock } from '../common/clock.js';
import { ApiError } from '../common/errors.js';
import { checkBounds } from '../common/json-bounds.js';
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

/** Devices per statement of about 15 ms; reading as many lines takes as long. */
const BATCH = 500;
/** Tag names per batch, without its last line: at most 10 MB. */
const TAG_NAMES = 20_000;
/** About 400 KB. */
const EXPORT_PAGE = 1_000;
/** Concurrent batches: each holds a database connection for about 15 ms, and other requests need some too. */
const AT_ONCE = 4;
/** Bytes, as for every other body. A device is at most 128 KiB; the rest is for the names of thousands of tags. */
const MAX_LINE = 1_048_576;

/** A device and its line number. */
interface Numbered {
  line: number;
  device: ImportedDevice;
}

/** Imports and exports all devices of an application, one JSON object per line, with a few batches in memory. */
@Injectable()
export class DeviceTransferService implements OnModuleDestroy {
  /** Per application, so that an application with many concurrent imports delays only itself. */
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
    // Every import adds a listener, and Node warns of a leak above ten.
    setMaxListeners(0, this.stopping.signal);
  }

  /** A short import ends within half of the time for a stop; a long one has the other half for its answer. */
  onModuleDestroy(): void {
    const stop = (): void =>
      this.stopping.abort(new ApiError('FPWSE0025E', 'The import was interrupted: this process stops.'));
    setTimeout(stop, this.config.shutdownTimeoutMs / 2).unref();
  }

  /**
   * Registers the device of each line as POST does. A bad line is reported and the others are stored. If the import is
   * interrupted, the lines read so far stay registered; repeating the import is safe. Throws FPWSE0025E if the database
   * is unreachable or this process stops.
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
      // The next await of `writing` handles the failure.
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

  /** Devices that are not retired, in the order of their registration, without those registered meanwhile. */
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
      throw withKept(new ApiError('FPWSE0025E', 'The import was interrupted.', {}, { cause: error }), report);
    }
  }

  /** The devices within the quotas; the lines of the others are rejected. */
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

/** Adds the number of stored devices to the error of an interrupted import. */
function withKept({ code, message, headers, cause }: ApiError, report: ImportReport): ApiError {
  const { lines, rejected } = report.summarize();
  return new ApiError(code, `${message} ${lines - rejected} devices are registered. Repeat the import.`, headers, {
    cause,
  });
}

/** The registration in a line, the count in a trailer, or the error. */
function readLine({ bytes }: Line, providers: Providers): ImportedDevice | number | ApiError {
  if (bytes === null) return new ApiError('FPWSE0004E', `The line is longer than ${MAX_LINE} bytes.`);
  try {
    checkBounds(bytes, 'line');
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
