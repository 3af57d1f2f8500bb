import { execFile } from 'node:child_process';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

export interface TestCertificates {
  /** File with the certificate of the CA, for clients to trust. */
  caPath: string;
  cert: string;
  key: string;
}

/**
 * Creates a CA and a certificate for localhost in `directory` with the openssl command; both are valid only for the
 * run.
 */
export async function createTestCertificates(directory: string): Promise<TestCertificates> {
  const at = (name: string): string => join(directory, name);
  await writeFile(
    at('openssl.cnf'),
    [
      '[req]',
      'distinguished_name = name',
      'prompt = no',
      '[name]',
      'CN = Carillon simulators',
      '[ca]',
      'basicConstraints = critical, CA:TRUE',
      'keyUsage = critical, keyCertSign, cRLSign',
      '[server]',
      'basicConstraints = critical, CA:FALSE',
      'keyUsage = critical, digitalSignature',
      'extendedKeyUsage = serverAuth',
      'subjectAltName = DNS:localhost, IP:127.0.0.1',
      '',
    ].join('\n'),
  );
  const newKey = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-config', at('openssl.cnf')];
  await openssl(['req', '-x509', ...newKey, '-extensions', 'ca', '-days', '30'], at('ca.key'), at('ca.pem'));
  await openssl(['req', ...newKey, '-subj', '/CN=localhost'], at('server.key'), at('server.csr'));
  const signer = ['-CA', at('ca.pem'), '-CAkey', at('ca.key'), '-CAcreateserial'];
  const extensions = ['-extfile', at('openssl.cnf'), '-extensions', 'server'];
  const request = ['-in', at('server.csr'), '-out', at('server.pem')];
  await run('openssl', ['x509', '-req', ...request, ...signer, ...extensions, '-days', '30']);
  return {
    caPath: at('ca.pem'),
    cert: await readFile(at('server.pem'), 'utf8'),
    key: await readFile(at('server.key'), 'utf8'),
  };
}

async function openssl(args: string[], keyPath: string, outPath: string): Promise<void> {
  await run('openssl', [...args, '-keyout', keyPath, '-out', outPath]);
}
