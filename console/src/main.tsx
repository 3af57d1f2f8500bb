import './app/styles';
import { createRoot } from 'react-dom/client';
import { App } from './app/app';
import { styleNonce } from './app/theme';
import { loadTexts } from './texts/texts';

// Read by the package that locks the page's scrolling under a modal.
Object.assign(window, { __webpack_nonce__: styleNonce() });

const root = document.getElementById('root');
// Not awaited here: a dictionary imports from the file of this module, which would wait for itself.
if (root) void loadTexts().then(() => createRoot(root).render(<App />));
