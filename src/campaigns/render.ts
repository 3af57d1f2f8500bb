import { valuesFor } from '../delivery/deliver/values.js';
import type { Device } from '../devices/device.repository.js';
import { renderBodies } from '../messages/request/build-notification.js';
import type { NewNotification, Rendering } from '../messages/request/build-notification.js';
import { fillNotification } from '../providers/placeholders.js';
import type { Values } from '../providers/placeholders.js';
import type { Providers } from '../providers/providers.module.js';
import { readContent } from './campaign-content.js';
import type { WaveMessage } from './firing/wave-messages.js';

/** Renders a campaign's messages for devices, pure. */

export interface RenderedMessage extends Rendering {
  variant: string | null;
  language: string | null;
  /** Names of placeholders without a value and without a default. */
  missing: string[];
}

/** Without a device: on every platform, with the names of the placeholders in place of their values. */
export function renderMessage(message: WaveMessage, providers: Providers, device: Device | null): RenderedMessage[] {
  const { variant, language } = message;
  return renderContent(
    readContent(message.body).notification,
    device ? [device.platform] : undefined,
    providers,
    device,
  ).map((rendering) => ({ variant, language, ...rendering }));
}

export function renderContent(
  notification: NewNotification,
  platforms: readonly string[] | undefined,
  providers: Providers,
  device: Device | null,
): (Rendering & { missing: string[] })[] {
  const placeholders = notification.placeholders ?? [];
  const values: Values = device
    ? valuesFor(placeholders, { ...device, seq: 0, fields: null })
    : Object.fromEntries(placeholders.filter(({ required }) => required).map(({ name }) => [name, `{{${name}}}`]));
  const missing = placeholders
    .filter(({ name, required }) => required && (device ? !Object.hasOwn(values, name) : true))
    .map(({ name }) => name);
  const filled = { ...fillNotification(notification, values), placeholders: undefined };
  return renderBodies(filled, platforms, providers).map((rendering) => ({ ...rendering, missing }));
}

/** The messages that a device of this language gets: of each variant the one with the longest matching language. */
export function inLanguageOf(messages: readonly WaveMessage[], language: string | null): WaveMessage[] {
  const spoken = language?.toLowerCase().replaceAll('_', '-') ?? '';
  const lengthOf = (message: WaveMessage): number => {
    const tag = message.language?.toLowerCase();
    if (tag === undefined) return 0;
    return spoken === tag || spoken.startsWith(`${tag}-`) ? tag.length : -1;
  };
  const variants = [...new Set(messages.map(({ variant }) => variant))];
  return variants.flatMap((variant) =>
    messages
      .filter((message) => message.variant === variant && lengthOf(message) >= 0)
      .toSorted((a, b) => lengthOf(b) - lengthOf(a))
      .slice(0, 1),
  );
}
