import { having } from './row.js';
import type { Row } from './row.js';

export const OPEN: readonly Row[] = [
  ['GET /health/status', '', 'of this program', {}, 200, { status: 'ready', database: 'up', queue: 'up' }],
  ['GET /swagger.json', '', 'in OpenAPI', {}, 200, having({ paths: having({}) })],
];
