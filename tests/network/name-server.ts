// A program for tests: a name server on port 53 of an address, by UDP and TCP, that has 192.0.2.1 for every name but those that begin with
// "no" (there is no such name), "mute" (no answer) and "many" (200 addresses, too many for a datagram). It prints what it is asked.

import { createSocket } from "node:dgram";
import { createServer, isIPv6 } from "node:net";
import {
  decodeQuery,
  encodeAnswer,
  encodeFailure,
  recordTypes,
  responseCodes,
  udpLimit,
} from "#formats/dns/message.ts";
import { encodeFrame, FrameReader } from "#network/dns/frames.ts";

const [address = "0.0.0.0"] = process.argv.slice(2);
const PORT = 53;

function answer(bytes: Uint8Array, protocol: "udp" | "tcp"): Uint8Array | undefined {
  const query = decodeQuery(bytes);
  if (typeof query !== "object") return undefined;
  console.log(`${protocol} ${query.name}`);
  if (query.name.startsWith("mute")) return undefined;
  if (query.name.startsWith("no")) return encodeFailure(bytes, responseCodes.nameError, query);
  const count = query.type !== recordTypes.A ? 0 : query.name.startsWith("many") ? 200 : 1;
  const records = Array.from({ length: count }, (_, index) => ({
    type: recordTypes.A,
    data: Uint8Array.of(192, 0, 2, index + 1),
  }));
  const limit = protocol === "udp" ? udpLimit(query.largest) : 0xffff;
  return encodeAnswer(bytes, query, records, { limit, lifetime: 1 });
}

const socket = createSocket(isIPv6(address) ? "udp6" : "udp4");
socket.on("message", (bytes, sender) => {
  const found = answer(bytes, "udp");
  if (found !== undefined) socket.send(found, sender.port, sender.address);
});
const server = createServer((connection) => {
  const frames = new FrameReader();
  connection.on("error", () => undefined);
  connection.on("data", (chunk: Buffer) => {
    frames.push(chunk);
    for (let frame = frames.next(); frame !== undefined; frame = frames.next()) {
      const found = answer(frame, "tcp");
      if (found !== undefined) connection.write(encodeFrame(found));
    }
  });
});
socket.bind(PORT, address, () => server.listen(PORT, address, () => console.log("ready")));
