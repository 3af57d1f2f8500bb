import { expect, it } from 'vitest';
import { clientGrant } from './wns.token.js';

const ENDPOINTS = { tokenUrl: 'https://live.example/accesstoken.srf', entraUrl: 'https://entra.example' };

it('requests a token for a package with the scope of Windows', () => {
  const grant = clientGrant({ kind: 'package', packageSID: 'ms-app://s-1-15-2-1', clientSecret: 'hush' }, ENDPOINTS);
  expect([grant.url, grant.form(0)]).toEqual([
    'https://live.example/accesstoken.srf',
    {
      grant_type: 'client_credentials',
      client_id: 'ms-app://s-1-15-2-1',
      client_secret: 'hush',
      scope: 'notify.windows.com',
    },
  ]);
});

it("requests a token for an Entra app at its tenant's endpoint", () => {
  const grant = clientGrant({ kind: 'entra', tenantId: 't1', clientId: 'c1', clientSecret: 'hush' }, ENDPOINTS);
  expect([grant.url, grant.form(0)]).toEqual([
    'https://entra.example/t1/oauth2/v2.0/token',
    {
      grant_type: 'client_credentials',
      client_id: 'c1',
      client_secret: 'hush',
      scope: 'https://wns.windows.com/.default',
    },
  ]);
});
