import { Module } from '@nestjs/common';
import { Door } from './door.js';
import { Quotas } from './quotas.js';

@Module({ providers: [Door, Quotas], exports: [Door, Quotas] })
export class LimitsModule {}
