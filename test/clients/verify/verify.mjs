import { readFileSync } from 'node:fs';
import { Webhook } from 'standardwebhooks';
import { webhooks } from 'carillon/client';

const { CARILLON_WEBHOOK_SECRET: secret, CARILLON_DELIVERY: folder } = process.env;
const body = readFileSync(`${folder}/body`, 'utf8');
const headers = JSON.parse(readFileSync(`${folder}/headers.json`, 'utf8'));

const { id } = new Webhook(secret).verify(body, headers);
const same = await webhooks.verify(body, headers, secret);
if (same.id !== id) throw new Error(`carillon/client read ${same.id}`);
try {
  await webhooks.verify(`${body} `, headers, secret);
  throw new Error('an altered body was verified');
} catch (error) {
  if (error.name !== 'WebhookVerificationError') throw error;
}
console.log('verified', id);
