import { Injectable, SetMetadata, applyDecorators, createParamDecorator } from '@nestjs/common';
import type { CanActivate, ExecutionContext } from '@nestjs/common';
import { Reflector } from '@nestjs/core';
import { ApiBearerAuth, ApiOAuth2, ApiResponse } from '@nestjs/swagger';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { Door } from '../limits/door.js';
import { BearerOrSession } from './bearer-or-session.js';
import type { AuthorizedCaller } from './bearer-or-session.js';
import { parseBearer } from './bearer.js';
import { CallingDevices } from './calling-devices.js';
import type { CallingDevice } from './calling-devices.js';
import { isDeviceToken } from './device-tokens.js';

const REQUIRED = Symbol('required scope');
const FOR_DEVICES = Symbol('for devices');
/** The alternatives, each a list of scope elements; a refusal names the first. */
type Required = (request: FastifyRequest) => string[][];

/** The caller; the guards set it on the request. */
export type Authorized = Pick<AuthorizedCaller, 'clientId' | 'person' | 'grants'>;
export type AuthorizedRequest = FastifyRequest & { authorized: Authorized; device?: CallingDevice };

/** In place of a client's id: the caller has a device token or a receipt token. */
export const A_DEVICE = { clientId: 'caller:device' };

/**
 * The route requires this scope element (of several, one) and `push.application.<id>` of the application in its path;
 * without an application in the path, `push.application.*`.
 */
export function RequireScope(element: string | readonly string[]): MethodDecorator & ClassDecorator {
  const elements = typeof element === 'string' ? [element] : element;
  return requirement(
    `${elements.join(' or ')} and the application`,
    elements.map((each) => [each]),
    (request) => elements.map((each) => [each, `push.application.${applicationOfPath(request) ?? '*'}`]),
  );
}

/** Like RequireScope, with all of the elements. */
export function RequireScopes(...elements: readonly string[]): MethodDecorator & ClassDecorator {
  return requirement(`${elements.join(', ')} and the application`, [[...elements]], (request) => [
    [...elements, `push.application.${applicationOfPath(request) ?? '*'}`],
  ]);
}

/** The route requires this scope element and itself checks the application that its body names. */
export function RequireElement(element: string): MethodDecorator & ClassDecorator {
  return requirement(element, [[element]], () => [[element]]);
}

/**
 * The route may also be called with a device token of its application; the handler itself checks that the call is about
 * the device alone.
 */
export function AllowDevice(): MethodDecorator {
  return SetMetadata(FOR_DEVICES, true);
}

/** Parameter: the device that calls with its own token; undefined for a client. */
export const ByDevice = createParamDecorator(
  (_: unknown, context: ExecutionContext) => context.switchToHttp().getRequest<AuthorizedRequest>().device,
);

export function applicationOfPath({ params }: FastifyRequest): string | undefined {
  return (params as { applicationId?: string }).applicationId;
}

/** `alternatives`: the scope elements for the API document, without the application. */
function requirement(what: string, alternatives: string[][], required: Required): MethodDecorator & ClassDecorator {
  return applyDecorators(
    SetMetadata(REQUIRED, required),
    ...alternatives.map((elements) => ApiOAuth2(elements)),
    ApiBearerAuth(),
    ApiResponse({ status: 401, description: 'No token, or a token that is no longer valid' }),
    ApiResponse({ status: 403, description: `The scope does not cover ${what}` }),
  );
}

@Injectable()
export class ScopeGuard implements CanActivate {
  constructor(
    private readonly reflector: Reflector,
    private readonly callers: BearerOrSession,
    private readonly door: Door,
    private readonly devices: CallingDevices,
  ) {}

  async canActivate(context: ExecutionContext): Promise<boolean> {
    const required = this.reflector.getAllAndOverride<Required | undefined>(REQUIRED, [
      context.getHandler(),
      context.getClass(),
    ]);
    // A forgotten decorator must not open the route. Public routes do not use this guard.
    if (required === undefined) throw new Error(`${context.getClass().name}: a route declares no required scope`);
    const request = context.switchToHttp().getRequest<AuthorizedRequest>();
    const reply = context.switchToHttp().getResponse<FastifyReply>();
    if (this.reflector.get<boolean | undefined>(FOR_DEVICES, context.getHandler()) && isOfDevice(request)) {
      request.device = await this.devices.authorize(
        parseBearer(request.headers.authorization),
        applicationOfPath(request),
      );
      request.authorized = A_DEVICE;
      this.door.enter(reply, null, applicationOfPath(request));
      return true;
    }
    const caller = await this.callers.authorize(request, required(request));
    request.authorized = caller;
    this.door.enter(reply, caller.client, applicationOfPath(request));
    return true;
  }
}

function isOfDevice({ headers: { authorization } }: FastifyRequest): boolean {
  return authorization !== undefined && isDeviceToken(parseBearer(authorization));
}
