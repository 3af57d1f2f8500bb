import { FastifyAdapter } from '@nestjs/platform-fastify';

/**
 * Loaded before the built program (`node --import`): prints the routes of the running program, in one line `ROUTES
 * ["GET /imfpush/v1/apps", …]`, before the line of its address. HEAD exists with every GET and is left out.
 */

const routes = new Set();
const hooked = new WeakSet();

wrap('getInstance', (adapter, original) => {
  const fastify = original.call(adapter);
  if (!hooked.has(fastify)) {
    hooked.add(fastify);
    fastify.addHook('onRoute', ({ method, url, config }) => {
      // Handlers that refuse other methods are not routes of the program.
      if (config?.refuses) return;
      for (const each of [method].flat()) if (each !== 'HEAD') routes.add(`${each} ${url}`);
    });
  }
  return fastify;
});

wrap('listen', (adapter, original, words) => {
  process.stdout.write(`ROUTES ${JSON.stringify([...routes].sort())}\n`);
  return original.apply(adapter, words);
});

function wrap(name, wrapped) {
  const { value: original } = Object.getOwnPropertyDescriptor(FastifyAdapter.prototype, name);
  FastifyAdapter.prototype[name] = function (...words) {
    return wrapped(this, original, words);
  };
}
