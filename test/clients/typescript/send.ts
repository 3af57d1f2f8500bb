import createClient from 'openapi-fetch';
import type { paths } from './carillon.js';

const { CARILLON_URL: baseUrl, CARILLON_TOKEN: token } = process.env;
const client = createClient<paths>({ baseUrl, headers: { authorization: `Bearer ${token}` } });
const path = { applicationId: 'com.example.app' };
const sent = await client.POST('/imfpush/v1/apps/{applicationId}/messages', {
  params: { path },
  body: { message: { alert: 'Hello' }, target: { deviceIds: ['anna-phone'] } },
});
if (!sent.data || !('messageId' in sent.data)) throw new Error(JSON.stringify(sent.error ?? sent.data));
const { messageId } = sent.data;
const read = await client.GET('/imfpush/v1/apps/{applicationId}/messages/{messageId}', {
  params: { path: { ...path, messageId } },
});
console.log('read', read.data?.messageId, read.data?.audience);
