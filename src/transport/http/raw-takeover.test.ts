import assert from "node:assert/strict";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { after, before, test } from "node:test";
import { markTakeover } from "./raw-takeover.ts";
import { HttpServer } from "./server.ts";

const mayTakeOver = (method: string, path: string): boolean => method === "POST" && path === "/attach";
const marked = (head: string): string => markTakeover(Buffer.from(head), mayTakeOver).toString();

test("only what may be taken over is marked, once, and only a whole head", () => {
  const mark = "Connection: Upgrade\r\nUpgrade: gantry-raw\r\n";
  assert.equal(
    marked("POST /attach?a=1 HTTP/1.1\r\nHost: d\r\n\r\ntyped"),
    `POST /attach?a=1 HTTP/1.1\r\n${mark}Host: d\r\n\r\ntyped`,
  );
  for (const head of [
    "POST /attach HTTP/1.1\r\nHost: d\r\n",
    "GET /attach HTTP/1.1\r\nHost: d\r\n\r\n",
    "POST /other HTTP/1.1\r\nHost: d\r\n\r\n",
    "POST /attach HTTP/1.1\r\nconnection: Upgrade\r\nUPGRADE: tcp\r\n\r\n",
    "\x16\x03\x01\r\n\r\n",
  ])
    assert.equal(marked(head), head);
});

const folder = mkdtempSync(join(tmpdir(), "gantry-takeover-"));
const path = join(folder, "sock");
/** Answers what it was sent, in capitals, once the client has closed its half; anything else with its path. */
const server = new HttpServer(async (exchange) => {
  if (!exchange.url.startsWith("/attach")) return exchange.send(200, {}, exchange.url);
  const body = Buffer.concat(await Array.fromAsync(exchange.body)).toString();
  await exchange.hijack({}, async (stream) => {
    const chunks: Buffer[] = [];
    stream.on("data", (chunk: Buffer) => chunks.push(chunk)); // an iterator would close the other half, too
    await once(stream, "end");
    stream.write(`${body}:${Buffer.concat(chunks).toString().toUpperCase()}`);
  });
}, mayTakeOver);
before(() => server.listen({ kind: "unix", path }));
after(async () => {
  await server[Symbol.asyncDispose]();
  rmSync(folder, { recursive: true });
});

/** Writes each part when the one before is out, closes its half and reads to the end. */
async function talk(...parts: readonly string[]): Promise<string> {
  const socket = connect({ path, allowHalfOpen: true });
  for (const part of parts) await new Promise((resolve) => socket.write(part, resolve));
  socket.end();
  const answer = await text(socket);
  return answer.slice(answer.indexOf("\r\n\r\n") + 4);
}

const head = "POST /attach HTTP/1.1\r\nHost: d\r\n";

test("what follows the request without an upgrade is not lost, however soon it comes", async () => {
  for (const parts of [
    [`${head}\r\ntyped`],
    [`${head}\r\n`, "ty", "ped"],
    [`${head}Content-Length: 2\r\n\r\n{}typed`],
    [`${head}Content-Length: 2\r\n\r\n`, "{}", "typed"],
    [`${head}Content-Length: 2\r\n\r\n{`, "}ty", "ped"],
    [`${head}Connection: Upgrade\r\nUpgrade: tcp\r\n\r\n`, "typed"],
  ])
    assert.match(await talk(...parts), /^(\{\})?:TYPED$/, JSON.stringify(parts));
});

test("who asked for no upgrade is told 200", async () => {
  const socket = connect({ path, allowHalfOpen: true });
  socket.end(`${head}\r\n`);
  assert.match(await text(socket), /^HTTP\/1\.1 200 OK\r\n/);
});

test("other requests of one connection are answered as ever", async () => {
  const request = "GET /a HTTP/1.1\r\nHost: d\r\n\r\n";
  const answers = await talk(
    request,
    request.replace("/a", "/b").replace("Host: d", "Host: d\r\nConnection: close"),
  );
  assert.match(answers, /^\/aHTTP\/1\.1 200 OK\r\n[\s\S]*\r\n\r\n\/b$/);
});

test("a client that says nothing does not keep the server", async () => {
  const silent = connect({ path });
  await new Promise((resolve) => silent.once("connect", resolve));
  const other = new HttpServer(async () => undefined);
  const ownPath = join(folder, "own");
  await other.listen({ kind: "unix", path: ownPath });
  const own = connect({ path: ownPath });
  await new Promise((resolve) => own.once("connect", resolve));
  const closed = new Promise((resolve) => own.once("close", resolve));
  await other[Symbol.asyncDispose]();
  await closed;
  silent.destroy();
});
