import { Module } from '@nestjs/common';
import { ApplicationsModule } from '../applications/applications.module.js';
import { DevicesModule } from '../devices/devices.module.js';
import { MessagesModule } from '../messages/messages.module.js';
import { ForgettingRepository } from './forgetting.repository.js';
import { UserDataRepository } from './user-data.repository.js';
import { UserKeeper } from './user-keeper.js';
import { UserRemovalRepository } from './user-removal.repository.js';
import { UsersService } from './users.service.js';

/** Reads and deletes the data kept about a user. */
@Module({
  imports: [ApplicationsModule, DevicesModule, MessagesModule],
  providers: [ForgettingRepository, UserDataRepository, UserRemovalRepository, UsersService],
  exports: [UserRemovalRepository, UsersService],
})
export class UsersModule {}

/** For the scheduler role. */
@Module({ imports: [UsersModule], providers: [UserKeeper] })
export class UserSchedulerModule {}
