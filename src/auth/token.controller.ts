import { Controller, Header, HttpCode, Post, Req } from '@nestjs/common';
import { ApiBasicAuth, ApiConsumes, ApiBody, ApiOperation, ApiResponse, ApiTags } from '@nestjs/swagger';
import type { FastifyRequest } from 'fastify';
import { TokenService } from './token.service.js';
import type { TokenAnswer } from './token.service.js';

@ApiTags('Authorization')
@Controller('mfp/api/az/v1')
export class TokenController {
  constructor(private readonly tokens: TokenService) {}

  @Post('token')
  @HttpCode(200)
  @Header('cache-control', 'no-store')
  @Header('pragma', 'no-cache')
  @ApiBasicAuth()
  @ApiConsumes('application/x-www-form-urlencoded')
  @ApiOperation({ summary: 'Obtain an access token as a confidential client' })
  @ApiBody({
    schema: {
      type: 'object',
      required: ['grant_type'],
      properties: {
        grant_type: { type: 'string', enum: ['client_credentials'] },
        scope: { type: 'string', example: 'messages.write push.application.com.example.app' },
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
  issueToken(@Req() request: FastifyRequest): Promise<TokenAnswer> {
    return this.tokens.issueToken(request.headers['content-type'], request.headers.authorization, request.body);
  }
}
