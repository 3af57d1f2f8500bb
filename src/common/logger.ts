import { ConsoleLogger } from '@nestjs/common';

/** Nest's own account of its modules and routes: forty lines at every start that tell an operator nothing. */
const FRAMEWORK = new Set(['InstanceLoader', 'NestApplication', 'NestFactory', 'RouterExplorer', 'RoutesResolver']);

/** One line per event: JSON in production, for people in development. */
export class AppLogger extends ConsoleLogger {
  constructor(production: boolean) {
    super({ json: production, logLevels: ['log', 'warn', 'error', 'fatal'] });
  }

  override log(message: unknown, ...rest: unknown[]): void {
    if (!FRAMEWORK.has(String(rest.at(-1)))) super.log(message, ...(rest as [string]));
  }

  /** Nest logs what it throws as well: who catches it says it once. */
  override error(message: unknown, ...rest: unknown[]): void {
    if (!FRAMEWORK.has(String(rest.at(-1)))) super.error(message, ...(rest as [string]));
  }
}
