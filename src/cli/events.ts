import type { EventsQuery } from '../client/client.js';
import type { CliCommand } from './command.js';
import { EXIT } from './command.js';
import { safe } from './text.js';

/** Prints until it is stopped; in JSON each line is an event with the cursor to go on from. */
export const events: CliCommand = async ({ values, carillon, terminal }) => {
  const { after, types } = values as EventsQuery;
  for await (const read of carillon().events({ ...(after && { after }), ...(types && { types }) })) {
    const { timestamp, type, data } = read.event;
    await terminal.print(
      terminal.isJson ? JSON.stringify(read) : `${timestamp}  ${safe(type)}  ${safe(JSON.stringify(data))}`,
    );
  }
  return EXIT.done;
};
