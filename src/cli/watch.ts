import type { Carillon, Report } from '../client/client.js';
import type { CliCommand } from './command.js';
import { EXIT } from './command.js';
import type { Terminal } from './terminal.js';

export const watch: CliCommand = ({ words, carillon, terminal }) => watchMessage(carillon(), words[0]!, terminal);

/** Waits for the end of a message. The exit code is that of its end, whether it comes now or came long ago. */
export async function watchMessage(carillon: Carillon, messageId: string, terminal: Terminal): Promise<number> {
  let last: Report | undefined;
  for await (const report of carillon.messages.watch(messageId)) {
    last = report;
    terminal.progress(progressOf(report));
  }
  const { state, audience, outcomes } = last!;
  await terminal.show(last!, [{ message: messageId, state, audience, ...outcomes }]);
  if (state !== 'finished') return EXIT.notSent;
  return outcomes.accepted === audience ? EXIT.done : EXIT.notAllAccepted;
}

const BAR = 20;

function progressOf({ state, audience, outcomes, rate, etaTime, waitingFor }: Report): string {
  const settled = audience - outcomes.pending - outcomes.inFlight;
  const share = audience === 0 ? 0 : settled / audience;
  const bar = '#'.repeat(Math.floor(share * BAR)).padEnd(BAR, '.');
  const parts = [`[${bar}] ${Math.floor(share * 100)} %  ${settled} of ${audience}  ${state}`];
  if (rate !== undefined) parts.push(`${Math.round(rate)}/s`);
  if (etaTime !== undefined) parts.push(`${secondsTo(etaTime)} s left`);
  if (waitingFor)
    parts.push(`waits: ${waitingFor.kind}${waitingFor.reason === undefined ? '' : ` ${waitingFor.reason}`}`);
  return parts.join('  ');
}

function secondsTo(time: string): number {
  return Math.max(0, Math.ceil((Date.parse(time) - new Date().getTime()) / 1_000));
}
