import { Module } from '@nestjs/common';
import { AuthModule } from '../auth/auth.module.js';
import { SchedulerModule } from '../delivery/delivery.module.js';
import { AuditKeeper } from './audit-keeper.js';
import { AuditSender } from './audit-sender.js';
import { AuditTrail } from './audit-trail.js';
import { ChainRepository } from './chain.repository.js';
import { OutboxRepository } from './outbox.repository.js';

/** The role `api`. */
@Module({ imports: [AuthModule], providers: [AuditTrail] })
export class AuditModule {}

/** The role `scheduler`. */
@Module({ imports: [SchedulerModule], providers: [AuditKeeper, AuditSender, ChainRepository, OutboxRepository] })
export class AuditSchedulerModule {}
