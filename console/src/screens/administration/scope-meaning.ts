import { texts } from '../../texts/texts';

/** The meaning of an element of an allowed scope, in words. */
export function meaningOf(element: string): string {
  const words = texts.administration.scope;
  if (/^\*+$/.test(element)) return words.everything;
  const application = /^push\.application\.(.+)$/.exec(element)?.[1];
  if (application === '*') return words.allApplications;
  if (application !== undefined) return words.application(application);
  const known = words.elements[element as keyof typeof words.elements] as string | undefined;
  if (known !== undefined) return known;
  const [, object = '', act = ''] = /^([A-Za-z]+)\.(read|write|\*)$/.exec(element) ?? [];
  const name = words.objects[object as keyof typeof words.objects] as string | undefined;
  if (name === undefined) return element.includes('*') ? words.pattern(element) : words.other;
  if (act === 'read') return words.read(name);
  return act === 'write' ? words.write(name) : words.both(name);
}

/** Elements that the form offers. */
export const OFFERED = [
  'messages.write',
  'messages.control',
  'messages.read',
  'devices.write',
  'devices.read',
  'subscriptions.*',
  'tags.*',
  'campaigns.write',
  'campaigns.control',
  'campaigns.read',
  'campaigns.approve',
  'messages.approve',
  'webhooks.*',
  'apps.read',
  'apps.write',
  'settings.read',
  'authorization.introspect',
  'push.application.*',
  'mfpadmin',
  'mfpdeployer',
  'mfpoperator',
  'mfpmonitor',
  'metrics.read',
  '*',
];
