import { Module } from '@nestjs/common';
import { ClientCertificates } from '../http/client-certificate.js';
import { Origins } from '../http/origin.js';
import { LimitsModule } from '../limits/limits.module.js';
import { AccessTokens } from './access-tokens.js';
import { AdminGuard } from './admin.guard.js';
import { AssertionRepository } from './assertion.repository.js';
import { AuditRepository } from './audit.repository.js';
import { BasicOrBearer } from './basic-or-bearer.js';
import { BearerOrSession } from './bearer-or-session.js';
import { CallingDeviceRepository } from './calling-device.repository.js';
import { CallingDevices } from './calling-devices.js';
import { ChangeFeed } from './change-feed.js';
import { ChangeRepository } from './change.repository.js';
import { ClientAssertions } from './client-assertions.js';
import { ClientAuthenticator } from './client-authenticator.js';
import { ClientSnapshot } from './client-snapshot.js';
import { ClientRepository } from './client.repository.js';
import { ClientsService } from './clients.service.js';
import { DeviceTokens } from './device-tokens.js';
import { FirstClients } from './first-clients.js';
import { IntrospectionGuard } from './introspection.guard.js';
import { LastUsed } from './last-used.js';
import { LiveTokens } from './live-tokens.js';
import { RevokedTokenRepository } from './revoked-token.repository.js';
import { RevokedTokens } from './revoked-tokens.js';
import { RuntimeGuard } from './runtime.guard.js';
import { ScopeGuard } from './scope.guard.js';
import { SessionGuard } from './session/session-guard.js';
import { SessionRepository } from './session/session.repository.js';
import { Sessions } from './session/sessions.js';
import { SigningKeyRepository } from './signing-key.repository.js';
import { SigningKeys } from './signing-keys.js';
import { TokenService } from './token.service.js';

@Module({
  imports: [LimitsModule],
  providers: [
    AccessTokens,
    AdminGuard,
    AssertionRepository,
    AuditRepository,
    BasicOrBearer,
    BearerOrSession,
    CallingDeviceRepository,
    CallingDevices,
    ChangeFeed,
    ChangeRepository,
    ClientAssertions,
    ClientAuthenticator,
    ClientCertificates,
    ClientRepository,
    ClientsService,
    ClientSnapshot,
    DeviceTokens,
    FirstClients,
    IntrospectionGuard,
    LastUsed,
    LiveTokens,
    Origins,
    RevokedTokenRepository,
    RevokedTokens,
    RuntimeGuard,
    ScopeGuard,
    SessionGuard,
    SessionRepository,
    Sessions,
    SigningKeyRepository,
    SigningKeys,
    TokenService,
  ],
  exports: [
    AuditRepository,
    BasicOrBearer,
    BearerOrSession,
    CallingDevices,
    ClientAuthenticator,
    ClientCertificates,
    ClientRepository,
    ClientSnapshot,
    ClientsService,
    LimitsModule,
    LiveTokens,
    Origins,
    RuntimeGuard,
    ScopeGuard,
    SessionGuard,
    Sessions,
    SigningKeys,
    TokenService,
  ],
})
export class AuthModule {}
