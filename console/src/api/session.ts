import { queryOptions } from '@tanstack/react-query';
import { consoleApi, REFRESH } from './client';
import { Failure } from './failure';
import { coversAll } from './scope';

/** Why the browser would not keep the session. */
export interface CookieProblem {
  code: 'noTls' | 'untrustedProxy' | 'hiddenTls';
  message: string;
  setting: string | null;
  proxy: string | null;
}

/** Told to everybody, before a sign-in. */
export interface Start {
  environment: { name: string | null; colour: string | null };
  development: boolean;
  /** In development only. */
  sampleClient: { id: string; secret: string } | null;
  /** Set if people sign in by OpenID Connect. */
  people: { label: string } | null;
  canKeepCookie: boolean;
  problem: CookieProblem | null;
  serverTime: string;
  version: string;
  /** A part of the paths of administration. */
  runtimeName: string;
}

export interface Session {
  kind: 'client' | 'person';
  id: string;
  name: string;
  email: string | null;
  scope: string[];
  /** Scopes; one of them has to cover an action whole. */
  grants: string[][];
  /** Null: all. */
  applications: string[] | null;
  idleEndsAt: string;
  endsAt: string;
}

export const startQuery = queryOptions({
  queryKey: ['start'],
  queryFn: () => consoleApi<Start>('GET', '/start'),
  staleTime: 60_000,
});

/** Null: there is no session. Looks twice a minute, and does not keep the session alive by it. */
export const sessionQuery = queryOptions({
  queryKey: ['session'],
  queryFn: async ({ client }) => {
    const known = Boolean(client.getQueryData(['session']));
    try {
      return await consoleApi<Session>('GET', '/session', undefined, known ? REFRESH : {});
    } catch (error) {
      if (error instanceof Failure && error.isSignedOut) return null;
      throw error;
    }
  },
  staleTime: 30_000,
  refetchInterval: 30_000,
});

export async function signIn(clientId: string, clientSecret: string): Promise<Session> {
  return consoleApi<Session>('POST', '/session', { clientId, clientSecret });
}

export async function signOut(): Promise<void> {
  await consoleApi<undefined>('DELETE', '/session');
}

/** Whether the session may do what wants `element`, in the application if one is given. */
export function mayDo({ grants }: Session, element: string, applicationId?: string): boolean {
  const needs = applicationId === undefined ? [element] : [element, `push.application.${applicationId}`];
  return grants.some((grant) => coversAll(grant, needs));
}

/** Starts the download of an API path as a plain link: by a ticket for one use, so that no row passes the memory. */
export async function download(path: string, name: string): Promise<void> {
  const { href } = await consoleApi<{ href: string }>('POST', '/tickets', { path });
  const link = document.createElement('a');
  link.href = href;
  link.download = name;
  link.click();
}
