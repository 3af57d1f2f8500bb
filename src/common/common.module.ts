import { Global, Module } from '@nestjs/common';
import type { DynamicModule } from '@nestjs/common';
import { Clock } from './clock.js';
import { ServedCertificate } from './served-certificate.js';
import { CONFIG } from './tokens.js';
import { Vault } from './vault.js';

/** Provides the configuration, the clock, the vault and the server's certificate to every module. */
@Global()
@Module({})
export class CommonModule {
  static for(config: unknown, vault: Vault): DynamicModule {
    return {
      module: CommonModule,
      providers: [Clock, ServedCertificate, { provide: CONFIG, useValue: config }, { provide: Vault, useValue: vault }],
      exports: [Clock, CONFIG, ServedCertificate, Vault],
    };
  }
}
