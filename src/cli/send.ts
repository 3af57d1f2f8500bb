import type { Message } from '../client/client.js';
import type { CliCommand, Values } from './command.js';
import { EXIT, UsageError, readJson } from './command.js';
import { watchMessage } from './watch.js';

const TARGETS = { device: 'deviceIds', user: 'userIds', tag: 'tagNames', platform: 'platforms' } as const;

export const send: CliCommand = async ({ values, carillon, terminal }) => {
  const message = values.file === undefined ? messageOf(values) : readMessage(values);
  const client = carillon();
  if (values['dry-run'] === true) {
    const plan = await client.messages.plan(message);
    const { audience, excluded, blocked, warnings, estimate } = plan;
    const finish = estimate?.finishTime;
    await terminal.show(plan, [{ audience: audience.total, providers: audience.providers, excluded, finish }]);
    for (const { provider, reason } of blocked) terminal.note(`blocked: ${provider} ${reason}`);
    for (const warning of warnings) terminal.note(warning);
    return EXIT.done;
  }
  const key = values.key as string | undefined;
  const sent = await client.messages.send(message, key === undefined ? {} : { idempotencyKey: key });
  for (const warning of sent.warnings ?? []) terminal.note(warning);
  if (values.watch !== true) {
    await terminal.show({ messageId: sent.messageId }, [{ message: sent.messageId }]);
    return EXIT.done;
  }
  // At once: the message goes on if the watching ends.
  terminal.note(`message ${sent.messageId}`);
  return watchMessage(client, sent.messageId, terminal);
};

/** A message without a target goes to all devices, which has to be said. */
function messageOf(values: Values): Message {
  if (values.text === undefined || values.text === '') throw new UsageError('send needs --text or --file');
  const target = Object.fromEntries(
    Object.entries(TARGETS).flatMap(([option, name]) => (values[option] === undefined ? [] : [[name, values[option]]])),
  );
  const isToAll = Object.keys(target).length === 0;
  if (isToAll !== (values.all === true))
    throw new UsageError('send needs --device, --user, --tag or --platform, or else --all');
  return {
    message: { alert: values.text as string },
    ...(isToAll ? {} : { target }),
    ...(values.label === undefined ? {} : { label: values.label as string }),
  };
}

function readMessage(values: Values): Message {
  const others = ['text', 'label', 'all', ...Object.keys(TARGETS)].filter((name) => values[name] !== undefined);
  if (others.length > 0) throw new UsageError(`--file has the whole message: leave out --${others[0]}`);
  return readJson(values.file as string) as Message;
}
