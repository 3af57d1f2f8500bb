import { Module } from '@nestjs/common';
import { AccessTokens } from './access-tokens.js';
import { ClientRepository } from './client.repository.js';
import { FirstClients } from './first-clients.js';
import { ScopeGuard } from './scope.guard.js';
import { SigningKeyRepository } from './signing-key.repository.js';
import { TokenService } from './token.service.js';

@Module({
  providers: [AccessTokens, ClientRepository, FirstClients, ScopeGuard, SigningKeyRepository, TokenService],
  exports: [AccessTokens, ScopeGuard, TokenService],
})
export class AuthModule {}
