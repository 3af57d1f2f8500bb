import { Module } from '@nestjs/common';
import { ApplicationsModule } from '../applications/applications.module.js';
import { AuthModule } from '../auth/auth.module.js';
import { CONSOLE_FOLDER, ConsoleFiles } from './console-files.js';
import { IdentityProvider } from './people/identity-provider.js';
import { PeopleController } from './people/people.controller.js';
import { PagesController } from './pages.controller.js';
import { SessionController } from './session.controller.js';
import { SessionAnswers } from './session-answers.js';
import { SessionCookies } from './session-cookies.js';

/** The Operations Console: its files and its sessions. All else that it shows and does is the public API. */
@Module({
  imports: [ApplicationsModule, AuthModule],
  providers: [
    { provide: ConsoleFiles, useFactory: () => new ConsoleFiles(CONSOLE_FOLDER) },
    IdentityProvider,
    SessionAnswers,
    SessionCookies,
  ],
  controllers: [SessionController, PeopleController, PagesController],
})
export class ConsoleModule {}
