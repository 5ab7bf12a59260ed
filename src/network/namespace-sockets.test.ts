import assert from "node:assert/strict";
import { Socket } from "node:net";
import { test } from "node:test";
import type { SocketSource } from "#kernel/zygote/passed-sockets.ts";
import { NamespaceSockets } from "./namespace-sockets.ts";

/** Its plan gives the socket, and ends when it is told to. */
function openSource() {
  const socket = new Socket();
  const ended = Promise.withResolvers<void>();
  const source: SocketSource = {
    open: async (_plan, take) => {
      take(socket, 0);
      await ended.promise;
    },
  };
  return { socket, source, end: ended.resolve };
}

test("a connection that was made while the network went is closed", async () => {
  const { socket, source, end } = openSource();
  const sockets = new NamespaceSockets(source, "/nowhere");
  const connected = sockets.connect("10.0.0.2", 80, new AbortController().signal);
  await new Promise(setImmediate);
  sockets[Symbol.dispose]();
  end();
  await assert.rejects(connected, { message: "the network namespace is gone" });
  assert.equal(socket.destroyed, true);
});

test("a connection that was made while nobody needed it any more is closed", async () => {
  const { socket, source, end } = openSource();
  using sockets = new NamespaceSockets(source, "/nowhere");
  const closing = new AbortController();
  const connected = sockets.connect("10.0.0.2", 80, closing.signal);
  await new Promise(setImmediate);
  closing.abort();
  end();
  await assert.rejects(connected, { name: "AbortError" });
  assert.equal(socket.destroyed, true);
});
