import type { CliCommand } from './command.js';

export interface Option {
  type: 'string' | 'boolean';
  short?: string;
  multiple?: boolean;
  /** Of a value, for the help. */
  value?: string;
  text: string;
}

export interface Entry {
  summary: string;
  /** Words after the command; in brackets: may be left out. */
  words: readonly string[];
  options: Readonly<Record<string, Option>>;
  /** The scope that the token needs besides that of the application. */
  scope: string;
  load: () => Promise<CliCommand>;
}

/** Of every command that calls the server. */
export const COMMON: Readonly<Record<string, Option>> = {
  url: { type: 'string', value: 'URL', text: 'the server; default: CARILLON_URL, or that of the login' },
  app: { type: 'string', value: 'ID', text: 'the application; default: CARILLON_APP, or that of the login' },
  client: {
    type: 'string',
    value: 'ID',
    text: 'the confidential client; default: CARILLON_CLIENT, or that of the login',
  },
  'secret-file': {
    type: 'string',
    value: 'FILE',
    text: 'its secret, -: from stdin; default: CARILLON_SECRET, or that of the login',
  },
  json: { type: 'boolean', text: 'print JSON, errors too' },
  help: { type: 'boolean', short: 'h', text: 'print this text' },
};

const WATCH: Option = { type: 'boolean', text: 'wait for the end, with rate and time left' };
const LIMIT: Option = { type: 'string', value: 'N', text: 'print at most N (20)' };

/** The commands against a running server. Help, parser and completion come from here. */
export const CLI: Readonly<Record<string, Entry>> = {
  login: {
    summary: 'keep server, application and client for the other commands',
    words: [],
    options: { scope: { type: 'string', value: 'SCOPE', text: 'a scope that the client has, to try the secret with' } },
    scope: 'messages.read',
    load: async () => (await import('./login.js')).login,
  },
  send: {
    summary: 'send a message',
    words: [],
    options: {
      text: {
        type: 'string',
        short: 't',
        value: 'TEXT',
        text: 'the text of the message; one that begins with a dash: --text=TEXT',
      },
      device: { type: 'string', multiple: true, value: 'ID', text: 'to this device; may be repeated' },
      user: { type: 'string', multiple: true, value: 'ID', text: 'to the devices of this user; may be repeated' },
      tag: { type: 'string', multiple: true, value: 'NAME', text: 'to the devices with this tag; may be repeated' },
      platform: {
        type: 'string',
        multiple: true,
        value: 'P',
        text: 'to the devices of this platform; may be repeated',
      },
      all: { type: 'boolean', text: 'to all devices' },
      label: { type: 'string', value: 'LABEL', text: 'a label to find the message by' },
      file: {
        type: 'string',
        value: 'FILE',
        text: 'a message in JSON as the API takes it, -: from stdin; in place of the options above',
      },
      key: { type: 'string', value: 'KEY', text: 'a second send with the same key sends nothing' },
      'dry-run': { type: 'boolean', text: 'print the plan, and send nothing' },
      watch: WATCH,
    },
    scope: 'messages.write messages.read',
    load: async () => (await import('./send.js')).send,
  },
  watch: {
    summary: 'wait for the end of a message, with rate and time left',
    words: ['MESSAGE'],
    options: {},
    scope: 'messages.read',
    load: async () => (await import('./watch.js')).watch,
  },
  why: {
    summary: 'say what became of a message on a device',
    words: ['DEVICE', 'MESSAGE'],
    options: {},
    scope: 'messages.read',
    load: async () => (await import('./lists.js')).why,
  },
  messages: {
    summary: 'list the messages, the newest first',
    words: [],
    options: { label: { type: 'string', value: 'LABEL', text: 'only those with this label' }, limit: LIMIT },
    scope: 'messages.read',
    load: async () => (await import('./lists.js')).messages,
  },
  campaigns: {
    summary: 'list the campaigns',
    words: [],
    options: {},
    scope: 'campaigns.read',
    load: async () => (await import('./lists.js')).campaigns,
  },
  clients: {
    summary: 'list the confidential clients; needs the role mfpadmin',
    words: [],
    options: {},
    scope: 'mfpadmin',
    load: async () => (await import('./lists.js')).clients,
  },
  providers: {
    summary: 'list the providers and how they do',
    words: [],
    options: {},
    scope: 'settings.read',
    load: async () => (await import('./lists.js')).providers,
  },
  devices: {
    summary: 'register the devices of a file (import), or write all devices to one (export)',
    words: ['import|export', '[FILE]'],
    options: {
      rejected: { type: 'string', value: 'FILE', text: 'where import writes rejected lines; default: FILE.rejected' },
    },
    scope: 'devices.read devices.write',
    load: async () => (await import('./devices.js')).devices,
  },
  events: {
    summary: 'print the events of the application as they happen',
    words: [],
    options: {
      after: { type: 'string', value: 'CURSOR', text: 'the place to begin: a cursor, oldest, or latest (the default)' },
      types: { type: 'string', value: 'TYPES', text: 'only these types, as message.*,delivery.failed' },
    },
    scope: 'events.read',
    load: async () => (await import('./events.js')).events,
  },
  call: {
    summary: 'make any other call of the API',
    words: ['METHOD', 'PATH'],
    options: {
      data: { type: 'string', short: 'd', value: 'JSON', text: 'the body' },
      file: { type: 'string', value: 'FILE', text: 'a file with the body, -: from stdin' },
      scope: { type: 'string', value: 'SCOPE', text: 'what the token may do (messages.read)' },
    },
    scope: 'messages.read',
    load: async () => (await import('./call.js')).call,
  },
};
