import type { FastifyRequest } from 'fastify';
import type { Person } from './session/session.js';

/** A route's part of the audit event of its request, which src/audit/audit-trail.ts records before the answer. */
export interface NotedAct {
  outcome?: 'refused';
  detail: Record<string, unknown>;
}

type NotedRequest = FastifyRequest & { notedAct?: NotedAct };

export function noteAct(request: FastifyRequest, act: NotedAct): void {
  (request as NotedRequest).notedAct = act;
}

export function notedActOf(request: FastifyRequest): NotedAct | undefined {
  return (request as NotedRequest).notedAct;
}

/** A request of a known caller that lacks a right. */
export type RefusedRequest = FastifyRequest & { refused?: { clientId: string; person?: Person | null } };
