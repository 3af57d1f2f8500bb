import { expect, it } from 'vitest';
import { documentPath } from './document-path.js';

it('a path of Fastify is read in the form of the document', () => {
  const app = '/imfpush/v1/apps/{applicationId}';
  expect(documentPath('/imfpush/v1/apps/:applicationId/devices::import')).toBe(`${app}/devices:import`);
  expect(documentPath('/imfpush/v1/apps/')).toBe('/imfpush/v1/apps');
});
