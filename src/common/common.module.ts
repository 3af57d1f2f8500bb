import { Global, Module } from '@nestjs/common';
import type { DynamicModule } from '@nestjs/common';
import { Clock } from './clock.js';
import { CONFIG } from './tokens.js';
import { Vault } from './vault.js';

/** Provides the configuration, the clock and the vault to every module. */
@Global()
@Module({})
export class CommonModule {
  static for(config: unknown, vault: Vault): DynamicModule {
    return {
      module: CommonModule,
      providers: [Clock, { provide: CONFIG, useValue: config }, { provide: Vault, useValue: vault }],
      exports: [Clock, CONFIG, Vault],
    };
  }
}
