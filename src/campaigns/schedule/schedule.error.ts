/** A schedule that is invalid, or that would never fire. */
export class ScheduleError extends Error {
  constructor(
    /** In the form of the request: `schedule.cron`. */
    readonly field: string,
    readonly reason: string,
  ) {
    super(`${field}: ${reason}`);
    this.name = 'ScheduleError';
  }
}
