import { readFileSync } from 'node:fs';
import { describe, expect, it, vi } from 'vitest';
import { ERROR_CODES } from '../../../src/common/errors.js';
import { runProgram } from '../../harness/program.js';
import { EMBEDDED, STAGES } from '../stages.js';
import { APPLICATIONS } from './applications.table.js';
import { Caller } from './caller.js';
import { DEVICES } from './devices.table.js';
import { MATRIX, NOT_OFFERED } from './matrix.js';
import { MESSAGE_REFUSALS } from './message-refusals.table.js';
import { MESSAGES } from './messages.table.js';
import { OPEN } from './open.table.js';
import { UNSPEAKABLE } from './row.js';
import type { Row } from './row.js';
import { BEFORE, WINDOWS_CORDOVA, bluemix, webPush } from './sdks.table.js';
import { SETTINGS } from './settings.table.js';
import { SUBSCRIPTIONS } from './subscriptions.table.js';
import { TAGS } from './tags.table.js';
import { CLOUD_ONLY, varyRows } from './variations.js';
import { WEBHOOKS } from './webhooks.table.js';

/**
 * The REST API of docs/protocol/mobilefirst.md §9: tables of calls, each with a token of the smallest scope, sent in
 * order to one program on each deployment; and the SDKs of §12.
 */

/** Each leaves the data that the next ones need. */
const TABLES: readonly (readonly [name: string, rows: readonly Row[]])[] = [
  ['applications', APPLICATIONS],
  ['settings', SETTINGS],
  ['tags', TAGS],
  ['devices', DEVICES],
  ['subscriptions', SUBSCRIPTIONS],
  ['messages refused', MESSAGE_REFUSALS],
  ['messages', MESSAGES],
  ['webhooks', WEBHOOKS],
  ['without a token', OPEN],
];
const rows = TABLES.flatMap(([, table]) => table);
const varied = varyRows(rows);
const SDKS: readonly (readonly [name: string, rows: readonly Row[]])[] = [
  ['tags of the apps', BEFORE],
  ['the Windows Cordova plugin', WINDOWS_CORDOVA],
  ['the web push SDK in Chrome', webPush('WEB_CHROME')],
  ['the web push SDK in Firefox', webPush('WEB_FIREFOX')],
  ['the web push SDK in Safari', webPush('WEB_SAFARI')],
  ['the Bluemix SDK on Android', bluemix('G')],
  ['the Bluemix SDK on iOS', bluemix('A')],
];

/** A machine in a zone with an offset, whose language has letters of its own for i and I, and with options of Node. */
const ELSEWHERE = {
  TZ: 'America/Havana',
  LANG: 'tr_TR.UTF-8',
  LC_ALL: 'tr_TR.UTF-8',
  NODE_OPTIONS: '--stack-trace-limit=7',
};

describe('the tables of calls', () => {
  const played = [...rows, ...varied];

  it.each(Object.entries(MATRIX))('cover every status and scope of %s', (endpoint, [scope, ...statuses]) => {
    const own = played.filter((row) => row[0] === endpoint);
    expect([...new Set(own.map((row) => row[4]))].sort()).toEqual([...statuses].sort());
    const elements = own.map((row) => row[1].split(' ')[0]);
    expect([...new Set(elements)].sort()).toEqual(scope.split(' or ').sort());
  });

  it('cover every code of docs/protocol/mobilefirst.md §9.6 that Carillon answers', () => {
    const codes = new Set(played.map((row) => (row[5] as { code?: string } | undefined)?.code));
    // Internal faults and unreachable servers: tested in error.filter.spec.ts and by the tests that stop servers.
    const others = ['FPWSE0010E', 'FPWSE0025E'];
    expect(Object.keys(ERROR_CODES).filter((code) => code.startsWith('FPWSE') && !codes.has(code))).toEqual(others);
  });

  it('contain the calls and statuses that the OpenAPI document marks as MobileFirst’s', () => {
    interface Operation {
      'x-extension'?: true;
      responses: Record<string, unknown>;
    }
    const text = readFileSync(new URL('../../../docs/openapi.json', import.meta.url), 'utf8');
    const { paths } = JSON.parse(text) as { paths: Record<string, Record<string, Operation>> };
    const documented = Object.entries(paths).flatMap(([path, methods]) =>
      Object.entries(methods)
        .filter(([, operation]) => path.startsWith('/imfpush/') && !operation['x-extension'])
        .map(([method, { responses }]): [string, string[]] => [
          `${method.toUpperCase()} ${path}`,
          // Slow and compressed bodies are tested in door.spec.ts and encodings.spec.ts, limits in limits.spec.ts.
          Object.keys(responses).filter(
            (status) => !['401', '403', '408', '415', '429', '500', '503'].includes(status),
          ),
        ]),
    );
    // The quota of devices is tested in quotas.spec.ts.
    const registration = documented.find(([call]) => call === toPath('POST …/devices'));
    registration?.splice(
      1,
      1,
      registration[1].filter((status) => status !== '409'),
    );
    const matrix = Object.entries(MATRIX).map(([endpoint, [, ...statuses]]): [string, string[]] => [
      toPath(endpoint),
      statuses.map(String),
    ]);
    expect(Object.fromEntries(matrix)).toEqual(Object.fromEntries(documented));
    expect(NOT_OFFERED.filter((endpoint) => endpoint in MATRIX)).toEqual([]);
  });
});

describe.each(STAGES)('on $name', (stage) => {
  const program = runProgram(stage, { environment: () => (stage === EMBEDDED ? ELSEWHERE : {}) });
  const caller = new Caller(program);

  const groups = [...TABLES, ['every call', varied] as const, ['IBM’s cloud', CLOUD_ONLY] as const, ...SDKS];

  describe.each(groups)('%s', (_group, table) => {
    it.each(table.map((row): [string, Row] => [`${row[0]} ${row[4]}: ${row[2]}`, row]))('%s', async (_name, row) => {
      const [, , , { again }, status, body] = row;
      const check = async (): Promise<void> => {
        const answer = await caller.play(row);
        expect(answer).toEqual({ status, body });
        if (status < 400) return;
        const text = JSON.stringify(answer.body);
        expect(text).not.toContain(UNSPEAKABLE);
        // An error never repeats the whole input.
        expect(text.length).toBeLessThan(500);
      };
      if (again) await vi.waitFor(check, { timeout: 30_000, interval: 25 });
      else await check();
    });
  });

  it('none of it was an internal fault, and the log contains no secret, token, user or text', () => {
    // Routes have such words in their patterns.
    const log = program.carillon
      .output()
      .split('Try the API')[1]
      ?.replaceAll(/(\[Request\]|Refused:) \S+ \S+/g, '');
    expect(log).toBeDefined();
    expect(log).not.toMatch(
      /ERROR|failed|Internal error|sesame|hush|secret|api-key|PRIVATE KEY|Hello|sandbox:|eyJ|ann/,
    );
  });
});

/** In the document's spelling. */
function toPath(endpoint: string): string {
  const [method, route = ''] = endpoint.replace('…', '/apps/:applicationId').split(' ');
  return `${method} /imfpush/v1${route.replace(/\/$/, '').replaceAll(/\/:(\w+)/g, '/{$1}')}`;
}
