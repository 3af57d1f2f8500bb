import dns from 'node:dns';
import { readFileSync } from 'node:fs';

/**
 * Resolves names below `.test` from the lines `name address` of the file in its own address (`?file=`), which is read
 * each time. A name without an address fails like an unreachable name server (getaddrinfo(3): EAI_AGAIN).
 */

const file = new URL(import.meta.url).searchParams.get('file');
const lookup = dns.lookup;
dns.lookup = (name, options, callback) => {
  if (!name.endsWith('.test')) return lookup(name, options, callback);
  const done = callback ?? options;
  const line = readFileSync(file, 'utf8')
    .split('\n')
    .find((each) => each.startsWith(`${name} `));
  const address = line?.split(' ')[1];
  const error = Object.assign(new Error(`getaddrinfo EAI_AGAIN ${name}`), {
    code: 'EAI_AGAIN',
    syscall: 'getaddrinfo',
  });
  setImmediate(() => {
    if (!address) done(error);
    else if (options.all) done(null, [{ address, family: 4 }]);
    else done(null, address, 4);
  });
};
