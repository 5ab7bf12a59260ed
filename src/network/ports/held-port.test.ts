import assert from "node:assert/strict";
import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Server } from "node:net";
import { test } from "node:test";
import { holdPort } from "./held-port.ts";

const HOST = "127.0.0.1";

async function listen(server: Server): Promise<number> {
  server.listen(0, HOST);
  await once(server, "listening");
  const address: AddressInfo | string | null = server.address();
  assert.ok(typeof address === "object" && address !== null);
  return address.port;
}

async function freePort(): Promise<number> {
  const server = createServer();
  const port = await listen(server);
  server.close();
  await once(server, "close");
  return port;
}

test("a port that is given back ends the connections that it carried", async () => {
  const container = createServer((socket) => socket.on("error", () => {}).pipe(socket));
  const target = { address: HOST, port: await listen(container) };
  const hostPort = await freePort();
  const held = await holdPort({ proto: "tcp", hostIp: HOST, hostPort }, target);
  const client = connect(hostPort, HOST);
  client.write("ping");
  assert.equal(String((await once(client, "data"))[0]), "ping");
  const closed = once(client, "close");
  held.close();
  await closed;
  container.close();
  await once(container, "close"); // the container's side has ended, too
});
