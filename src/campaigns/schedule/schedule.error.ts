/** A schedule that cannot be, or that would never fire. */
export class ScheduleError extends Error {
  constructor(
    /** As callers write it: `schedule.cron`. */
    readonly field: string,
    readonly reason: string,
  ) {
    super(`${field}: ${reason}`);
    this.name = 'ScheduleError';
  }
}
