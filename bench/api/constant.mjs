/**
 * Loaded before the built program (`node --import`): a message whose body says `constant` is answered at once. What is
 * left is the framework: HTTP, the guard, the body parser and the controller.
 */
const { MessagesService } = await import(new URL('../../dist/messages/send/messages.service.js', import.meta.url).href);

const accept = MessagesService.prototype.acceptMessage;
MessagesService.prototype.acceptMessage = function (caller, body, key) {
  if (body?.constant !== true) return accept.call(this, caller, body, key);
  return Promise.resolve({ messageId: 'constant', body, warnings: [], replayed: false });
};
