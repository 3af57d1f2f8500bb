import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import helmet from 'helmet';
import { IncomingMessage, ServerResponse } from 'node:http';
import { Socket } from 'node:net';

/**
 * The page at /doc/ has its scripts in files, and inline styles and small images. All other answers are data and need
 * no source.
 */
const POLICY = {
  useDefaults: false,
  directives: {
    defaultSrc: ["'none'"],
    scriptSrc: ["'self'"],
    styleSrc: ["'self'", "'unsafe-inline'"],
    imgSrc: ["'self'", 'data:'],
    connectSrc: ["'self'"],
    baseUri: ["'none'"],
    formAction: ["'none'"],
    frameAncestors: ["'none'"],
  },
};

/** Headers that an answer may set otherwise. */
const OF_ANSWER = ['content-security-policy', 'cross-origin-resource-policy'];

const OPTIONS = {
  contentSecurityPolicy: POLICY,
  frameguard: { action: 'deny' },
  // The proxy that ends TLS has to decide whether TLS is always available.
  strictTransportSecurity: false,
  // For obsolete browsers, or for pages with frames and windows.
  originAgentCluster: false,
  dnsPrefetchControl: false,
  ieNoOpen: false,
  permittedCrossDomainPolicies: false,
  xssFilter: false,
} as const;

/** Headers for browsers and caches: answers that are not marked as public must not be cached (RFC 9111 §5.2.2.5). */
export async function sendHeaders(app: NestFastifyApplication): Promise<void> {
  const headers = await protection();
  app
    .getHttpAdapter()
    .getInstance()
    .addHook('onSend', (request, reply, _payload, done) => {
      // A page has a policy of its own, and a script for other sites.
      const own = OF_ANSWER.map((name) => [name, reply.getHeader(name)] as const);
      void reply.headers(headers).header('x-request-id', request.id);
      for (const [name, value] of own) if (value !== undefined) void reply.header(name, value);
      if (!reply.hasHeader('cache-control')) void reply.header('cache-control', 'no-store');
      done();
    });
}

/**
 * The headers of helmet, computed once: computing them per answer takes 5 % of the cost of accepting a message (npm run
 * bench:api).
 */
async function protection(): Promise<Record<string, string>> {
  const response = new ServerResponse(new IncomingMessage(new Socket()));
  await new Promise<void>((resolve, reject) =>
    helmet(OPTIONS)(response.req, response, (error) => (error instanceof Error ? reject(error) : resolve())),
  );
  return response.getHeaders() as Record<string, string>;
}
