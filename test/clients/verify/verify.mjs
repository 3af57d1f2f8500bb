import { readFileSync, readdirSync } from 'node:fs';
import { Webhook } from 'standardwebhooks';
import { webhooks } from 'carillon/client';

const { CARILLON_WEBHOOK_SECRET: secret, CARILLON_EVENTS: folder } = process.env;
const types = readdirSync(folder);

for (const type of types) {
  const body = readFileSync(`${folder}/${type}/body`, 'utf8');
  const headers = JSON.parse(readFileSync(`${folder}/${type}/headers.json`, 'utf8'));
  const event = new Webhook(secret).verify(body, headers);
  const same = await webhooks.verify(body, headers, secret);
  if (event.type !== type || same.id !== event.id) throw new Error(`${type}: read ${event.type}, ${same.id}`);
  try {
    await webhooks.verify(`${body} `, headers, secret);
    throw new Error('an altered body was verified');
  } catch (error) {
    if (error.name !== 'WebhookVerificationError') throw error;
  }
}
console.log('verified', types.length);
