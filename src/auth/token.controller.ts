import { Controller, Get, Header, HttpCode, Post, Req, Res, UseGuards } from '@nestjs/common';
import { ApiBasicAuth, ApiBearerAuth, ApiBody, ApiConsumes, ApiOperation, ApiResponse, ApiTags } from '@nestjs/swagger';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { JWK } from 'jose';
import type { Schema } from '../common/schema.js';
import { TakesBody } from '../common/takes-body.js';
import { ClientCertificates } from '../http/client-certificate.js';
import { addressOf } from '../http/callers.js';
import { Door } from '../limits/door.js';
import { isBasic } from './basic-or-bearer.js';
import { parseForm, refuseOtherClient, refuseOtherCredentials, requireParameter } from './token-form.js';
import { INTROSPECT, IntrospectionGuard } from './introspection.guard.js';
import { describeToken } from './introspection.js';
import type { ActiveToken } from './introspection.js';
import { LiveTokens } from './live-tokens.js';
import { InRuntime } from './runtime.guard.js';
import type { AuthorizedRequest } from './scope.guard.js';
import { SigningKeys } from './signing-keys.js';
import { TokenService } from './token.service.js';
import type { AzRequest, TokenAnswer } from './token.service.js';

const FORM = 'application/x-www-form-urlencoded';
const A_TOKEN = {
  type: 'object',
  required: ['token'],
  properties: {
    token: { type: 'string', example: 'eyJhbGciOiJSUzI1NiJ9.e30.c2ln' },
    token_type_hint: { type: 'string', description: 'Ignored' },
  },
};

/** Present for MobileFirst's callers, always null. */
const NOTHING: Schema = { type: 'object', nullable: true, additionalProperties: true };

@ApiTags('Authorization')
@Controller(':runtimeName/api/az/v1')
@InRuntime()
export class TokenController {
  constructor(
    private readonly tokens: TokenService,
    private readonly liveTokens: LiveTokens,
    private readonly keys: SigningKeys,
    private readonly door: Door,
    private readonly certificates: ClientCertificates,
  ) {}

  @Post('token')
  @TakesBody()
  @HttpCode(200)
  @Header('cache-control', 'no-store')
  @Header('pragma', 'no-cache')
  @ApiBasicAuth()
  @ApiConsumes(FORM)
  @ApiOperation({ summary: 'Obtain an access token as a confidential client' })
  @ApiBody({
    schema: {
      type: 'object',
      required: ['grant_type'],
      properties: {
        grant_type: { type: 'string', enum: ['client_credentials'], example: 'client_credentials' },
        scope: { type: 'string', example: 'messages.write messages.read push.application.com.example.app' },
      },
    },
  })
  @ApiResponse({
    status: 200,
    description: 'The token',
    schema: {
      type: 'object',
      required: ['access_token', 'token_type', 'expires_in', 'scope'],
      properties: {
        access_token: { type: 'string' },
        token_type: { type: 'string', enum: ['Bearer'] },
        expires_in: { type: 'integer', description: 'Seconds' },
        scope: { type: 'string' },
      },
    },
  })
  @ApiResponse({ status: 400, description: 'RFC 6749 error: invalid_client, invalid_scope, invalid_request, …' })
  @ApiResponse({ status: 401, description: 'invalid_client under INVALID_CLIENT_STATUS=401' })
  @ApiResponse({
    status: 429,
    description: 'Too many failed attempts, or too many requests of the client; Retry-After has the seconds to wait',
  })
  issueToken(@Req() request: FastifyRequest, @Res({ passthrough: true }) reply: FastifyReply): Promise<TokenAnswer> {
    return this.tokens.issueToken(this.formOf(request, reply));
  }

  @Post('introspection')
  @TakesBody()
  @HttpCode(200)
  @Header('cache-control', 'no-store')
  @UseGuards(IntrospectionGuard)
  @ApiBasicAuth()
  @ApiBearerAuth()
  @ApiConsumes(FORM)
  @ApiOperation({ summary: 'Check a token and read its scope, as a resource server' })
  @ApiBody({ schema: A_TOKEN })
  @ApiResponse({
    status: 200,
    description: 'The state of the token; for an invalid or unknown token only `active` with false',
    schema: {
      type: 'object',
      required: ['active'],
      properties: {
        active: { type: 'boolean' },
        scope: { type: 'string' },
        client_id: { type: 'string' },
        username: { type: 'string' },
        exp: { type: 'integer', description: 'Epoch MILLISECONDS like MobileFirst, unlike RFC 7662' },
        cnf: {
          type: 'object',
          description: 'The certificate to which the token is bound (RFC 8705) (extension)',
          properties: { 'x5t#S256': { type: 'string' } },
        },
        'mfp-application': NOTHING,
        'mfp-device': NOTHING,
        'mfp-user': NOTHING,
        'mfp-checks': { type: 'object', additionalProperties: true },
      },
    },
  })
  @ApiResponse({ status: 400, description: 'RFC 6749 error: invalid_request, with Basic invalid_client' })
  @ApiResponse({ status: 401, description: 'No token, or a token that is no longer valid' })
  @ApiResponse({ status: 403, description: `The scope does not cover ${INTROSPECT}` })
  async introspect(@Req() request: AuthorizedRequest): Promise<ActiveToken | { active: false }> {
    const { headers, body, authorized } = request;
    const parameters = parseForm(headers['content-type'], body);
    if (isBasic(headers.authorization)) {
      refuseOtherCredentials(parameters, 'client_assertion');
      refuseOtherClient(parameters, authorized.clientId);
    }
    return describeToken(await this.liveTokens.find(requireParameter(parameters, 'token')));
  }

  @Post('revocation')
  @TakesBody()
  @HttpCode(200)
  @Header('cache-control', 'no-store')
  @ApiBasicAuth()
  @ApiConsumes(FORM)
  @ApiOperation({ summary: 'Revoke a token of the client (RFC 7009) (extension)' })
  @ApiBody({ schema: A_TOKEN })
  @ApiResponse({ status: 200, description: 'The token is invalid now; the answer has no body' })
  @ApiResponse({ status: 400, description: 'RFC 6749 error: invalid_client, invalid_request' })
  revoke(@Req() request: FastifyRequest, @Res({ passthrough: true }) reply: FastifyReply): Promise<void> {
    return this.tokens.revokeToken(this.formOf(request, reply));
  }

  /** Seconds: half of the time between a key's publication and its first signature. */
  @Get('jwks')
  @Header('cache-control', 'public, max-age=60')
  @ApiOperation({ summary: 'Read the public keys that verify access tokens (RFC 7517) (extension)' })
  @ApiResponse({
    status: 200,
    description: 'The keys',
    schema: {
      type: 'object',
      required: ['keys'],
      properties: {
        keys: {
          type: 'array',
          items: {
            type: 'object',
            required: ['kty', 'kid', 'alg', 'use'],
            properties: {
              kty: { type: 'string' },
              kid: { type: 'string' },
              alg: { type: 'string' },
              use: { type: 'string' },
            },
            additionalProperties: { type: 'string' },
          },
        },
      },
    },
  })
  publicKeys(): { keys: JWK[] } {
    return this.keys.publicSet();
  }

  private formOf(request: FastifyRequest, reply: FastifyReply): AzRequest {
    const { headers, body } = request;
    return {
      contentType: headers['content-type'],
      authorization: headers.authorization,
      body,
      address: addressOf(request),
      certificate: this.certificates.of(request),
      enter: (client) => {
        (request as AuthorizedRequest).authorized = { clientId: client.id };
        this.door.enter(reply, client, undefined);
      },
    };
  }
}
