import { APNS_ROWS } from './apns.rows.js';
import { GCM_ROWS } from './gcm.rows.js';
import { MESSAGE_ROWS } from './message.rows.js';
import { WEB_ROWS } from './web.rows.js';
import { WNS_ROWS } from './wns.rows.js';

export const ROWS = [...MESSAGE_ROWS, ...APNS_ROWS, ...GCM_ROWS, ...WNS_ROWS, ...WEB_ROWS];
