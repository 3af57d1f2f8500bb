import 'reflect-metadata';
import type { ExecutionContext } from '@nestjs/common';
import { Reflector } from '@nestjs/core';
import { expect, it } from 'vitest';
import type { Door } from '../limits/door.js';
import type { BearerOrSession } from './bearer-or-session.js';
import type { CallingDevices } from './calling-devices.js';
import { ScopeGuard } from './scope.guard.js';

it('the scope guard refuses every request to a route without a scope', async () => {
  const guard = new ScopeGuard(new Reflector(), {} as BearerOrSession, {} as Door, {} as CallingDevices);
  class Controller {}
  const route = { getHandler: () => () => undefined, getClass: () => Controller } as unknown as ExecutionContext;
  await expect(guard.canActivate(route)).rejects.toThrow('Controller: a route declares no required scope');
});
