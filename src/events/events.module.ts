import { Module } from '@nestjs/common';
import { ApplicationsModule } from '../applications/applications.module.js';
import { SchedulerModule } from '../delivery/delivery.module.js';
import { EventHousekeeper } from './event-housekeeper.js';
import { EventRepository } from './event.repository.js';
import { EventSequencer } from './event-sequencer.js';
import { EventWatch } from './event-watch.js';
import { FeedService } from './feed.service.js';

/** For the api role: reads the feed. */
@Module({
  imports: [ApplicationsModule],
  providers: [EventRepository, EventWatch, FeedService],
  exports: [FeedService],
})
export class EventsModule {}

/** For the worker role: gives events their positions. */
@Module({ providers: [EventRepository, EventSequencer] })
export class EventSequencerModule {}

/** For the scheduler role: removes old events. */
@Module({ imports: [SchedulerModule], providers: [EventHousekeeper, EventRepository] })
export class EventHousekeepingModule {}
