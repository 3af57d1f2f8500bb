import { describe, expect, it } from 'vitest';
import { SETTINGS } from './settings.js';
import { findUnknown } from './unknown-settings.js';

describe('findUnknown', () => {
  it.each([
    ['PROT', 'PORT'],
    ['HOSTS', 'HOST'],
    ['HSOT', 'HOST'],
    ['ROLE', 'ROLES'],
    ['DATABSE_URL', 'DATABASE_URL'],
    ['DATABASE_ULR', 'DATABASE_URL'],
    ['MASTR_KEY', 'MASTER_KEY'],
    ['DATADIR', 'DATA_DIR'],
  ])('%s is a mistyped %s', (name, meant) => {
    expect(findUnknown([name])).toEqual({
      mistyped: [`${name} is not a setting; did you mean ${meant}?`],
      ofFamilies: [],
    });
  });

  it.each(['RUNTIME_DIRECTORY', 'WEB_CONCURRENCY', 'DATABASE_HOST', 'WORKER_ID', 'ADMIN_EMAIL', 'APNS_TOPIC'])(
    '%s, which begins like a setting, is reported and not refused',
    (name) => {
      expect(findUnknown([name])).toEqual({ mistyped: [], ofFamilies: [name] });
    },
  );

  it('settings, names of other programs, and Kubernetes’ variables for services are ignored', () => {
    const others = [
      'POST',
      'DOC',
      'PATH',
      'HOME',
      'HOSTNAME',
      'HTTP_PROXY',
      'NO_COLOR',
      'NODE_OPTIONS',
      'TZ',
      'LANG',
      'QUEUE_SERVICE_HOST',
    ];
    const names = [...SETTINGS.map(({ name }) => name), ...others, 'QUEUE_PORT', 'DATABASE_PORT_5432_TCP'];
    expect(findUnknown(names)).toEqual({ mistyped: [], ofFamilies: [] });
  });
});
