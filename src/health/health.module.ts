import { Module } from '@nestjs/common';
import { HealthController } from './health.controller.js';
import { Presence } from './presence.js';
import { ProcessRepository } from './process.repository.js';
import { Readiness } from './readiness.js';
import { SecretWarnings } from './secret-warnings.js';
import { SystemRepository } from './system.repository.js';
import { SystemService } from './system.service.js';

/** In every role. The route of the system is in the role `api` (api.module.ts). */
@Module({
  controllers: [HealthController],
  providers: [Presence, ProcessRepository, Readiness, SecretWarnings, SystemRepository, SystemService],
  exports: [ProcessRepository, SystemService],
})
export class HealthModule {}
