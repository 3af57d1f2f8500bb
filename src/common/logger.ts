import { ConsoleLogger } from '@nestjs/common';
import { Repeats, kindOf } from './repeats.js';

/** Nest's own lines about modules and routes: forty at each start, of no use to an operator. */
const FRAMEWORK = new Set(['InstanceLoader', 'NestApplication', 'NestFactory', 'RouterExplorer', 'RoutesResolver']);

/**
 * One line per event: JSON in production, readable text in development. While a server is away every use of it fails,
 * hundreds of times a second: the first warning or error of a kind is written, and ten seconds later the number of
 * further ones.
 */
export class AppLogger extends ConsoleLogger {
  private readonly repeats = new Repeats();

  /** `name`: of this process, if there are several. */
  constructor(
    production: boolean,
    private readonly name?: string,
  ) {
    super({
      json: production,
      logLevels: ['log', 'warn', 'error', 'fatal'],
      ...(name !== undefined && { prefix: name }),
    });
  }

  protected override getJsonLogObject(
    ...given: Parameters<ConsoleLogger['getJsonLogObject']>
  ): ReturnType<ConsoleLogger['getJsonLogObject']> {
    return { ...super.getJsonLogObject(...given), ...(this.name !== undefined && { process: this.name }) };
  }

  override log(message: unknown, ...rest: unknown[]): void {
    if (!FRAMEWORK.has(String(rest.at(-1)))) super.log(message, ...(rest as [string]));
  }

  override warn(message: unknown, ...rest: unknown[]): void {
    const tell = (text: string): void => super.warn(text, ...(rest.slice(-1) as [string]));
    if (this.isFirst('warn', message, rest, tell)) super.warn(message, ...(rest as [string]));
  }

  /** Nest also logs errors that it throws; the code that catches them logs them once. */
  override error(message: unknown, ...rest: unknown[]): void {
    if (FRAMEWORK.has(String(rest.at(-1)))) return;
    const tell = (text: string): void => super.error(text, undefined, ...(rest.slice(-1) as [string]));
    if (this.isFirst('error', message, rest, tell)) super.error(message, ...(rest as [string]));
  }

  /** `rest`: in some calls a stack, whose first line is the cause; then the context. */
  private isFirst(level: string, message: unknown, rest: readonly unknown[], tell: (text: string) => void): boolean {
    const text = message instanceof Error ? message.message : String(message);
    const causes = rest.map((each) => String(each).split('\n', 1)[0]);
    const more = (count: number): void => tell(`${text} (${count} more of this kind in 10 s)`);
    return this.repeats.isFirst(kindOf([level, text, ...causes].join(' ')), more);
  }
}
