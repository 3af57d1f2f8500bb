import { createInterface } from 'node:readline/promises';
import { Writable } from 'node:stream';
import type { CliCommand } from './command.js';
import { EXIT, UsageError } from './command.js';
import { connect } from './cli.js';
import { ENVIRONMENT } from './environment.js';
import { readSecret, writeLogin } from './login-file.js';
import { CLI } from './commands.js';

/** Tries the secret before it is kept. */
export const login: CliCommand = async ({ values, terminal }) => {
  const [url, application, clientId] = (['url', 'app', 'client'] as const).map(
    (name) => (values[name] as string | undefined) ?? ENVIRONMENT[name],
  );
  if (!url || !application || !clientId) throw new UsageError('login needs --url, --app and --client');
  const file = values['secret-file'] as string | undefined;
  const clientSecret = file === undefined ? (ENVIRONMENT.secret ?? (await askForSecret())) : readSecret(file);
  ENVIRONMENT.secret = clientSecret;
  await connect({ ...values, 'secret-file': undefined }, CLI.login!.scope).authenticate();
  const kept = writeLogin({ url, application, clientId, clientSecret });
  await terminal.show({ url, application, clientId, file: kept }, [{ url, application, client: clientId, file: kept }]);
  return EXIT.done;
};

/** Typed letters are not shown. */
async function askForSecret(): Promise<string> {
  if (!process.stdin.isTTY) throw new UsageError('Give the secret with --secret-file or CARILLON_SECRET');
  process.stderr.write('Secret: ');
  const silent = new Writable({ write: (_chunk, _encoding, done) => done() });
  const reader = createInterface({ input: process.stdin, output: silent, terminal: true });
  try {
    // Ctrl-C is a key while the terminal gives single keys.
    reader.once('SIGINT', () => process.exit(130));
    return await reader.question('');
  } finally {
    reader.close();
    process.stderr.write('\n');
  }
}
