import assert from "node:assert/strict";
import { createSocket } from "node:dgram";
import { once } from "node:events";
import { test } from "node:test";
import { forwardDatagrams } from "./forward-datagrams.ts";

const HOST = "127.0.0.1";

test("a sender that forged the port 0, where no answer can go, is not served", async () => {
  const [listener, container] = [createSocket("udp4"), createSocket("udp4")];
  container.bind(0, HOST);
  await once(container, "listening");
  const forwarding = forwardDatagrams(listener, { address: HOST, port: container.address().port });
  const first = once(container, "message");
  listener.emit("message", Buffer.from("forged"), { address: HOST, port: 0 });
  listener.emit("message", Buffer.from("honest"), { address: HOST, port: 9 });
  assert.equal(String((await first)[0]), "honest");
  forwarding.close();
  container.close();
  listener.close();
});
