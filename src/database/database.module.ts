import { Global, Module } from '@nestjs/common';
import type { DynamicModule, OnApplicationShutdown } from '@nestjs/common';
import { Inject } from '@nestjs/common';
import { DatabaseWatch } from './database-watch.js';
import type { Database } from './database.js';

export const DATABASE = Symbol('database');

/** Global, so that it stops last: work that others finish at shutdown is still recorded. */
@Global()
@Module({})
export class DatabaseModule implements OnApplicationShutdown {
  constructor(@Inject(DATABASE) private readonly database: Database) {}

  /** `database` is opened before Nest starts, so that its failure is one clear line. */
  static for(database: Database): DynamicModule {
    return {
      module: DatabaseModule,
      providers: [
        { provide: DATABASE, useValue: database },
        { provide: DatabaseWatch, useFactory: () => new DatabaseWatch(database) },
      ],
      exports: [DATABASE, DatabaseWatch],
    };
  }

  onApplicationShutdown(): Promise<void> {
    return this.database.close();
  }
}
