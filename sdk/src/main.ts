import { CarillonWebPush } from './page.js';
import { listen } from './worker.js';
import type { WorkerScope } from './worker-scope.js';

// One script: in a page it defines the class, in the site's service worker (by `importScripts`) it listens.
if ('document' in globalThis) Object.assign(globalThis, { CarillonWebPush });
else listen(globalThis as unknown as WorkerScope);
