/** MobileFirst's predefined clients (docs/protocol/mobilefirst.md §4), for development; their secrets are public. */
export const PREDEFINED_CLIENTS: readonly { id: string; secret: string; allowedScope: string }[] = [
  { id: 'test', secret: 'test', allowedScope: '*' },
  { id: 'admin', secret: 'nimda', allowedScope: 'push.* mfp.admin.plugins settings.read' },
  { id: 'push', secret: 'hsup', allowedScope: 'authorization.introspect' },
];

/** A start in production is refused while a client has this secret. */
export function isPredefinedSecret(id: string, secret: string): boolean {
  return PREDEFINED_CLIENTS.some((client) => client.id === id && client.secret === secret);
}
