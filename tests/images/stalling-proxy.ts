// A program: a proxy before a registry that stands still after nine tenths of the first large blob, and lets all else through.
//
//   stalling-proxy.ts PORT UPSTREAM-PORT      prints "stalled", and "sent BYTES" when a large blob's answer has ended

import { createServer, type IncomingMessage, request as open, type ServerResponse } from "node:http";

const [port = "", upstream = ""] = process.argv.slice(2);
const LARGE = 1 << 20;
let stalled = false;

async function relay(answer: IncomingMessage, response: ServerResponse): Promise<void> {
  const size = Number(answer.headers["content-length"] ?? 0);
  const stall = !stalled && size > LARGE;
  const limit = stall ? Math.floor(size * 0.9) : size;
  stalled ||= stall;
  let sent = 0;
  for await (const chunk of answer) {
    if (!Buffer.isBuffer(chunk)) continue;
    const part = chunk.subarray(0, limit - sent);
    sent += part.length;
    if (!response.write(part))
      await new Promise((resolve) => response.once("drain", resolve).once("close", resolve));
    if (sent < limit || !stall) continue;
    console.log("stalled");
    return; // and nothing more, until the client goes
  }
  response.end();
  if (size > LARGE) console.log(`sent ${sent}`);
}

const server = createServer((request, response) => {
  const { method, url, headers } = request;
  const outgoing = open({ host: "127.0.0.1", port: Number(upstream), method, path: url, headers });
  outgoing.on("response", (answer) => {
    response.writeHead(answer.statusCode ?? 502, answer.headers);
    response.flushHeaders();
    void relay(answer, response);
  });
  outgoing.on("error", () => response.destroy());
  request.pipe(outgoing);
});
server.listen(Number(port), "127.0.0.1", () => console.log("listening"));
