// Steps of operations on sockets of the internet protocols, which live on in the daemon.

import type { Assembler } from "./assembler.ts";
import type { BodyOf, Compilers } from "./compilers.ts";
import { fdOf, keep } from "./files.ts";
import {
  MSG_DONTWAIT,
  SO_REUSEADDR,
  SO_SNDTIMEO,
  SOCK_CLOEXEC,
  SOCK_DGRAM,
  SOCK_STREAM,
  SOL_SOCKET,
} from "./kernel.table.ts";
import { sendFd } from "./messages.ts";
import { constants } from "./steps.table.ts";

const BACKLOG = 128;
const PATIENCE_SECONDS = 4;

function inetSocket(code: Assembler, { kind, address, slot }: BodyOf<"inetSocket">): void {
  const [family = 0] = address;
  const type = kind === "datagrams" ? SOCK_DGRAM : SOCK_STREAM;
  const socket = code.call("socket", [family, type | SOCK_CLOEXEC, 0], { opens: true });
  const at = code.bytes(address);
  if (kind === "connection") {
    const patience = code.numbers(8, [PATIENCE_SECONDS, 0]);
    code.call("setsockopt", [socket, SOL_SOCKET, SO_SNDTIMEO, patience, 16]);
    code.call("connect", [socket, at, address.length]);
  } else {
    // connections of a predecessor may still be closing
    if (kind === "listener")
      code.call("setsockopt", [socket, SOL_SOCKET, SO_REUSEADDR, code.numbers(4, [1]), 4]);
    code.call("bind", [socket, at, address.length]);
    if (kind === "listener") code.call("listen", [socket, BACKLOG]);
  }
  keep(code, socket, slot);
}

const TAKEN_AT_ONCE = 4096;

function giveSocket(code: Assembler, { slot, text }: BodyOf<"giveSocket">): void {
  // The daemon acknowledges what it was given, to whoever reads: so that the channel never fills up, each reads what was said before.
  const channel = constants.CHANNEL_FD;
  code.attempt("recvfrom", [channel, code.scratch(TAKEN_AT_ONCE), TAKEN_AT_ONCE, MSG_DONTWAIT, 0, 0]);
  const line = Buffer.from(`${text}\n`);
  sendFd(code, { socket: channel, bytes: code.bytes(line), size: line.length, passed: fdOf(slot) });
}

export const sockets = { inetSocket, giveSocket } satisfies Partial<Compilers>;
