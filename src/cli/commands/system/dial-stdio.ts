// What `ssh://` hosts run at the other end: joins this program's standard streams to the daemon's socket, byte by byte.

import { pipeline } from "node:stream/promises";
import { connect } from "#client/exchange.ts";
import type { Command } from "../../grammar/command.ts";

export const command: Command = {
  usage: "",
  about: "Proxy the stdio stream to the daemon connection. Should not be invoked manually.",
  takes: [0, 0],
  flags: [],
  run: async ({ session, signal }) => {
    const { stdin, stdout } = session.surroundings;
    const connection = connect(session.endpoint);
    // The daemon's end of stream ends us; ours only ends that direction.
    const sent = pipeline(stdin, connection, { signal, end: true }).catch(() => undefined);
    await pipeline(connection, stdout, { signal, end: false });
    connection.destroy();
    await sent;
  },
};
