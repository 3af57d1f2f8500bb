/**
 * Loaded before the built program (`node --import`): a message with the body `constant` is answered at once. The rest
 * is the framework: HTTP, the guard, the body parser and the controller.
 */
const { MessagesService } = await import(new URL('../../dist/messages/send/messages.service.js', import.meta.url).href);

const accept = MessagesService.prototype.acceptMessage;
MessagesService.prototype.acceptMessage = function (caller, body, key) {
  if (body?.constant !== true) return accept.call(this, caller, body, key);
  return Promise.resolve({ messageId: 'constant', body, warnings: [], replayed: false });
};
