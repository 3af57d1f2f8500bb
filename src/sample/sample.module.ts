import { Module } from '@nestjs/common';
import { ApplicationsModule } from '../applications/applications.module.js';
import { DevicesModule } from '../devices/devices.module.js';
import { SampleApplication } from './sample-application.js';

/** Loaded in development only. */
@Module({ imports: [ApplicationsModule, DevicesModule], providers: [SampleApplication] })
export class SampleModule {}
