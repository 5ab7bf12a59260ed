// A program: a proxy before a registry that spoils what it is told to, and lets all else through. It prints each request when that has
// ended, and "stalled" when an answer stands still.
//
//   fault-proxy.ts PORT UPSTREAM FAULTS        HOST:PORT; faults as JSON (faults.ts)

import { createServer, type IncomingMessage, request as open, type ServerResponse } from "node:http";
import type { Writable } from "node:stream";
import type { Fault } from "./faults.ts";

const [port = "", upstream = "", text = "[]"] = process.argv.slice(2);
const faults: readonly Fault[] = JSON.parse(text);
const left = faults.map(({ times = 1 }) => times);

/** Takes the first that is left for the request; of those that wait for an answer, `size` is its length. */
function take(line: string, kinds: readonly Fault["what"]["kind"][], size = 0): Fault["what"] | undefined {
  const at = faults.findIndex(
    ({ on, what, larger = 0 }, index) =>
      (left[index] ?? 0) > 0 && kinds.includes(what.kind) && size >= larger && new RegExp(on).test(line),
  );
  left[at] = (left[at] ?? 0) - 1;
  return faults[at]?.what;
}

const write = (to: Writable, chunk: Uint8Array): Promise<void> =>
  new Promise((resolve) => {
    to.once("close", resolve);
    to.write(chunk, () => {
      to.off("close", resolve);
      resolve();
    });
  });

/** Up to `limit` bytes; returns how many it were. What is passed on has left this process. */
async function pass(from: IncomingMessage, to: Writable, limit: number): Promise<number> {
  let passed = 0;
  try {
    for await (const chunk of from) {
      if (!Buffer.isBuffer(chunk)) continue;
      const part = chunk.subarray(0, limit - passed);
      passed += part.length;
      await write(to, part);
      if (passed >= limit) break;
    }
  } catch {
    // whoever sent it has gone
  }
  return passed;
}

const sizeOf = ({ headers }: IncomingMessage): string => headers["content-length"] ?? "-";

function limitOf(what: Fault["what"] | undefined, size: number): number {
  if (what?.kind === "stall") return Math.floor(size * what.share);
  return what?.kind === "cut answer" ? what.after : Number.POSITIVE_INFINITY;
}

/** Ends with how many bytes of the answer were passed on. */
async function passAnswer(line: string, answer: IncomingMessage, response: ServerResponse): Promise<number> {
  const size = Number(answer.headers["content-length"] ?? 0);
  const what = take(line, ["stall", "cut answer"], size);
  response.writeHead(answer.statusCode ?? 502, answer.headers);
  response.flushHeaders();
  const gone = new Promise((resolve) => response.once("close", resolve));
  const passed = await pass(answer, response, limitOf(what, size));
  if (what?.kind === "stall") {
    console.log("stalled");
    await gone;
  } else if (what?.kind === "cut answer") response.destroy();
  else response.end();
  return passed;
}

async function relay(request: IncomingMessage, response: ServerResponse): Promise<string> {
  const { method, url, headers, socket } = request;
  const line = `${method} ${url}`;
  const [host, upstreamPort] = upstream.split(":");
  const outgoing = open({ host, port: upstreamPort, method, path: url, headers, agent: false });
  const answered = new Promise<IncomingMessage>((resolve, reject) => {
    outgoing.once("response", resolve).on("error", reject);
  });
  answered.catch(() => undefined);
  const cut = take(line, ["cut request"]);
  const limit = cut?.kind === "cut request" ? cut.after : Number.POSITIVE_INFINITY;
  const sent = await pass(request, outgoing, limit);
  const begun = `${line} ${sent}/${sizeOf(request)}`;
  if (cut !== undefined) {
    outgoing.destroy();
    socket.destroy();
    return `${begun} cut`;
  }
  outgoing.end();
  const answer = await answered;
  const passed = await passAnswer(line, answer, response);
  return `${begun} ${answer.statusCode} ${passed}/${sizeOf(answer)}`;
}

function serve(request: IncomingMessage, response: ServerResponse): void {
  const line = `${request.method} ${request.url}`;
  const what = take(line, ["answer"]);
  if (what?.kind === "answer") {
    request.resume();
    response.writeHead(what.status, what.headers).end(what.body);
    console.log(`${line} answered ${what.status}`);
    return;
  }
  relay(request, response).then(console.log, (error: unknown) => {
    console.log(`${line} ${error}`);
    response.destroy();
  });
}

createServer(serve).listen(Number(port), "127.0.0.1", () => console.log("listening"));
