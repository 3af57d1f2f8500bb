// Which room of `src` imports what: lint refuses every other import.

/** Rooms of `src` in the order of the arrows, and the rooms that each may import. No arrow points back. */
const ROOMS = {
  common: [],
  client: [],
  cli: ['client'],
  http2: [],
  providers: ['common', 'http2'],
  database: ['common', 'providers'],
  http: ['common', 'database'],
  queue: ['common', 'database', 'providers'],
  limits: ['auth', 'common', 'queue'],
  auth: ['common', 'database', 'http', 'limits'],
  applications: ['auth', 'common', 'database', 'providers'],
  devices: ['applications', 'auth', 'common', 'database', 'limits', 'providers'],
  delivery: ['applications', 'common', 'database', 'devices', 'providers', 'queue'],
  audit: ['auth', 'common', 'database', 'delivery', 'http'],
  messages: ['applications', 'auth', 'common', 'database', 'delivery', 'devices', 'limits', 'providers'],
  campaigns: ['applications', 'auth', 'common', 'database', 'delivery', 'devices', 'limits', 'messages', 'providers'],
  events: ['applications', 'auth', 'common', 'database', 'delivery'],
  webhooks: ['applications', 'auth', 'common', 'database', 'delivery', 'events', 'providers'],
  statistics: ['applications', 'auth', 'common', 'database', 'delivery', 'providers'],
  users: ['applications', 'auth', 'common', 'database', 'devices', 'messages'],
  health: ['auth', 'common', 'database', 'queue'],
  metrics: ['auth', 'common', 'database', 'health', 'queue'],
  sdk: ['common'],
  sample: ['applications', 'common', 'devices'],
  console: ['applications', 'auth', 'common', 'database', 'http', 'limits'],
};

/** Corridors inside a room, and the corridors beside them that each may import. */
const CORRIDORS = {
  providers: {
    shared: [],
    apns: ['shared'],
    fcm: ['shared'],
    hms: ['shared'],
    sandbox: ['shared'],
    upstream: ['shared'],
    'web-push': ['shared'],
    wns: ['shared'],
  },
  delivery: { expand: [], deliver: [], upkeep: [] },
  messages: {
    receipts: [],
    report: ['receipts'],
    request: [],
    send: ['request'],
    control: ['report', 'request', 'send'],
  },
  campaigns: { schedule: [], firing: ['schedule'] },
};

const WITHOUT_REQUESTS = ['http2', 'providers', 'database', 'queue', 'delivery'];

/**
 * Packages, and the only rooms that may import them ('': the files of `src` itself); `repositories`: or any
 * *.repository.ts.
 */
const PACKAGES = [
  { regex: '^(bullmq|ioredis)$', rooms: ['queue'], repositories: false, message: 'bullmq belongs to queue/.' },
  {
    regex: '^(kysely|pg|pg-copy-streams|@electric-sql/pglite)$',
    rooms: ['database'],
    repositories: true,
    message: 'SQL belongs to *.repository.ts and database/.',
  },
  {
    regex: '^prom-client$',
    rooms: ['common', 'metrics'],
    repositories: false,
    message: 'prom-client belongs to common/ and metrics/.',
  },
  { regex: '^openid-client$', rooms: ['console'], repositories: false, message: 'openid-client belongs to console/.' },
  { regex: '^axios$', rooms: ['providers'], repositories: false, message: 'axios belongs to providers/.' },
  {
    regex: '^fastify$',
    rooms: ['', ...Object.keys(ROOMS).filter((room) => !WITHOUT_REQUESTS.includes(room))],
    repositories: false,
    message: 'Requests belong to the rooms with controllers.',
  },
];

/** Corridors of `console/src`, and those that each may import. No screen imports another screen. */
const CONSOLE = {
  api: [],
  texts: ['parts'],
  parts: ['api', 'texts'],
  screens: ['api', 'app', 'parts', 'texts'],
  app: ['api', 'parts', 'screens', 'texts'],
};

const OTHER_ROOMS = Object.keys(ROOMS).filter((room) => room !== 'common');

const RULE = 'no-restricted-imports';

/** Of two overrides that match a file the later one's rule counts alone, so each list is whole. */
export const walls = [
  wall('src/*.ts', packages('', false)),
  ...['config', 'setting-groups', 'setting-reader'].map((file) =>
    wall(`src/${file}.ts`, [
      { regex: `^\\./(${OTHER_ROOMS.join('|')})/`, message: `${file} imports no room but common.` },
      ...packages('', false),
    ]),
  ),
  ...Object.keys(ROOMS).flatMap((room) => [
    ...wallsOf(room, `src/${room}`, [arrows(room)]),
    ...Object.keys(CORRIDORS[room] ?? {}).flatMap((corridor) =>
      wallsOf(room, `src/${room}/${corridor}`, [arrows(room), ...corridorArrows(room, corridor)]),
    ),
  ]),
  { files: ['src/**/*.spec.ts'], rules: { [RULE]: 'off' } },
  ...Object.keys(CONSOLE).map((corridor) => wall(`console/src/${corridor}/**`, consoleArrows(corridor))),
];

/** A screen reaches the rest of the console from two folders below; one folder up is another screen. */
function consoleArrows(corridor) {
  const refused = Object.keys(CONSOLE).filter((other) => other !== corridor && !CONSOLE[corridor].includes(other));
  const may = CONSOLE[corridor].length === 0 ? 'nothing of the console' : `only ${CONSOLE[corridor].join(', ')}`;
  const arrow = { regex: `^(\\.\\./)+(${refused.join('|')})/`, message: `console/src/${corridor} imports ${may}.` };
  const screen = { regex: '^\\.\\./(?!\\.\\.)', message: 'A screen imports no other screen: share it in parts/.' };
  return corridor === 'screens' ? [arrow, screen] : [arrow];
}

function wall(files, patterns) {
  return { files: [files], rules: { [RULE]: ['error', { patterns }] } };
}

function wallsOf(room, folder, patterns) {
  return [
    wall(`${folder}/**`, [...patterns, ...packages(room, false)]),
    wall(`${folder}/**/*.repository.ts`, [...patterns, ...packages(room, true)]),
  ];
}

/** Relative paths that leave the room. */
function arrows(room) {
  const allowed = ROOMS[room];
  const refused = Object.keys(ROOMS).filter((other) => other !== room && !allowed.includes(other));
  const may = allowed.length === 0 ? 'no other room' : `only ${allowed.join(', ')}`;
  return { regex: `^(\\.\\./)+(${refused.join('|')})/`, message: `${room} imports ${may}.` };
}

/** Relative paths from one corridor into another of the same room. */
function corridorArrows(room, corridor) {
  const allowed = CORRIDORS[room][corridor];
  const refused = Object.keys(CORRIDORS[room]).filter((other) => other !== corridor && !allowed.includes(other));
  if (refused.length === 0) return [];
  const message = `${room}/${corridor} does not import ${refused.join(', ')}.`;
  return [{ regex: `^\\.\\./(${refused.join('|')})/`, message }];
}

function packages(room, repository) {
  return PACKAGES.filter(({ rooms, repositories }) => !rooms.includes(room) && !(repository && repositories)).map(
    ({ regex, message }) => ({ regex, message }),
  );
}
