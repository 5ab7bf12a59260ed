// Old clients take a connection over without asking for an upgrade: they send the request and then bytes of their own. Node's parser
// would read those as the next request and lose them. So the head of a connection's first request is looked at before the parser
// has it, and for a request that may be taken over it gets an Upgrade of our own: the parser lets go of the connection behind it.

import type { Server } from "node:http";
import type { Socket } from "node:net";

/** The Upgrade that was not the client's. */
export const rawTakeover = "gantry-raw";

/** Whether the answer to this request may be a connection without HTTP. `path`: without the query. */
export type MayTakeOver = (method: string, path: string) => boolean;

const requestLine = /^([A-Z]+) ([^ ?]+)(?:\?[^ ]*)? HTTP\/1\.[01]\r\n/;
const marks = `Connection: Upgrade\r\nUpgrade: ${rawTakeover}\r\n`;

/** The bytes with which a connection has begun, as the parser is to see them. A head that came in pieces is left as it is. */
export function markTakeover(first: Buffer, mayTakeOver: MayTakeOver): Buffer {
  const end = first.indexOf("\r\n\r\n");
  if (end < 0) return first;
  const head = first.toString("latin1", 0, end + 2);
  const [line = "", method = "", path = ""] = requestLine.exec(head) ?? [];
  if (line === "" || !mayTakeOver(method, path) || /^upgrade:/im.test(head)) return first;
  return Buffer.concat([first.subarray(0, line.length), Buffer.from(marks), first.subarray(line.length)]);
}

/** Connections reach `server`'s parser once they have sent something; those that have not are closed by `close`. */
export function lookAtFirstBytes(
  server: Server,
  connected: "connection" | "secureConnection",
  mayTakeOver: MayTakeOver,
): { readonly close: () => void } {
  const silent = new Set<Socket>();
  const parsers = server.listeners(connected);
  server.removeAllListeners(connected);
  server.on(connected, (socket: Socket) => {
    silent.add(socket);
    const giveUp = (): void => {
      socket.destroy();
    };
    const forget = (): void => {
      silent.delete(socket);
    };
    socket.once("close", forget).once("end", giveUp).once("error", giveUp); // nobody is there to be told
    const look = (): void => {
      const first: unknown = socket.read();
      if (!Buffer.isBuffer(first)) return; // its end, which is told next
      forget();
      socket.off("readable", look).off("close", forget).off("end", giveUp).off("error", giveUp);
      socket.unshift(markTakeover(first, mayTakeOver));
      for (const parse of parsers) Reflect.apply(parse, server, [socket]);
    };
    socket.on("readable", look); // unlike "data" it leaves the rest unread for whoever comes next
  });
  return {
    close: () => {
      for (const socket of silent) socket.destroy();
    },
  };
}
