import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { request } from "node:http";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Duplex } from "node:stream";
import { text } from "node:stream/consumers";
import { test } from "node:test";
import { conflict, notFound, notModified } from "#base/errors.ts";
import { HttpServer } from "#transport/http/server.ts";
import { BodyBudget, bodyLimits } from "./body.ts";
import type { Route } from "./router.ts";
import { ApiServer } from "./server.ts";

const gone = Promise.withResolvers<void>();
const asked = Promise.withResolvers<void>();
const typed = Promise.withResolvers<void>();

const routes: readonly Route[] = [
  { method: "GET", path: "/_ping", handle: async () => ({ kind: "text", status: 200, text: "OK" }) },
  { method: "HEAD", path: "/_ping", handle: async () => ({ kind: "text", status: 200, text: "" }) },
  {
    method: "GET",
    path: "/images/:name*/json",
    handle: async (call) => ({ kind: "json", status: 200, value: call.params }),
  },
  {
    method: "POST",
    path: "/echo",
    handle: async (call) => ({ kind: "json", status: 201, value: { got: (await call.json()) ?? "nothing" } }),
  },
  { method: "POST", path: "/missing", handle: () => Promise.reject(notFound("container", "web")) },
  { method: "POST", path: "/taken", handle: () => Promise.reject(conflict("in use")) },
  { method: "POST", path: "/same", handle: () => Promise.reject(notModified()) },
  { method: "GET", path: "/new", minVersion: 44, handle: async () => ({ kind: "empty", status: 204 }) },
  {
    method: "GET",
    path: "/forever",
    handle: async (call) => ({
      kind: "stream",
      status: 200,
      contentType: "text/plain",
      chunks: forever(call.signal),
    }),
  },
  {
    method: "POST",
    path: "/attach",
    handle: async (call) => {
      if (call.query.get("fail") === "1") throw conflict("not running");
      const body = (await call.json()) ?? "";
      return {
        kind: "hijack",
        contentType: "application/vnd.docker.raw-stream",
        serve: async (socket) => {
          const input = await readToEnd(socket);
          socket.end(`body ${JSON.stringify(body)}, input ${input}`);
        },
      };
    },
  },
  {
    method: "GET",
    path: "/ws",
    handle: async () => ({
      kind: "websocket",
      text: false,
      serve: async (stream) => {
        for await (const chunk of stream) stream.write(`<${String(chunk)}>`);
      },
    }),
  },
  {
    method: "POST",
    path: "/late",
    handle: async (call) => {
      asked.resolve();
      const body = await call.json();
      const serve = async (stream: Duplex) => {
        await typed.promise;
        stream.end(`body ${JSON.stringify(body)}, input ${await readToEnd(stream)}`);
      };
      return { kind: "hijack", contentType: "application/vnd.docker.raw-stream", serve };
    },
  },
];

async function* forever(signal: AbortSignal): AsyncGenerator<string> {
  yield "first\n";
  const { promise, resolve } = Promise.withResolvers<void>();
  signal.addEventListener("abort", () => resolve());
  await promise;
  gone.resolve();
}

async function startServer(): Promise<AsyncDisposable & { path: string }> {
  const folder = mkdtempSync(join(tmpdir(), "gantry-api-"));
  const api = new ApiServer({
    routes,
    version: "0.1.0",
    log: { debug: () => undefined, error: () => undefined },
  });
  const server = new HttpServer((exchange) => api.serve(exchange));
  const path = join(folder, "s.sock");
  await server.listen({ kind: "unix", path });
  return {
    path,
    [Symbol.asyncDispose]: async () => {
      await server[Symbol.asyncDispose]();
      rmSync(folder, { recursive: true });
    },
  };
}

interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, unknown>>;
  readonly body: string;
}

async function call(socketPath: string, line: string, body?: string, headers = {}): Promise<Answer> {
  const [method = "", path = ""] = line.split(" ");
  const { promise, resolve, reject } = Promise.withResolvers<Answer>();
  const outgoing = request({ socketPath, method, path, headers, agent: false }, (incoming) => {
    text(incoming).then(
      (received) => resolve({ status: incoming.statusCode ?? 0, headers: incoming.headers, body: received }),
      reject,
    );
  });
  outgoing.on("error", reject);
  outgoing.end(body);
  return promise;
}

/** Sends the bytes, closes the writing side, and reads to the end. */
async function raw(socketPath: string, head: string, input: string): Promise<string> {
  const socket = connect({ path: socketPath, allowHalfOpen: true });
  socket.write(head);
  socket.once("data", () => socket.end(input));
  return readToEnd(socket);
}

/** Unlike an async iterator this leaves the writing side open. */
function readToEnd(socket: Duplex): Promise<string> {
  const { promise, resolve } = Promise.withResolvers<string>();
  let received = "";
  socket.on("data", (chunk) => {
    received += String(chunk);
  });
  socket.on("end", () => resolve(received));
  socket.on("error", () => resolve(received));
  return promise;
}

const json = { "Content-Type": "application/json" };

test("every answer names the server, the API version and the kind of system", async () => {
  await using server = await startServer();
  const { status, headers, body } = await call(server.path, "GET /_ping");
  assert.equal(status, 200);
  assert.equal(body, "OK");
  assert.equal(headers["api-version"], "1.55");
  assert.equal(headers.ostype, "linux");
  assert.equal(headers["docker-experimental"], "false");
  assert.equal(headers.server, "Gantry/0.1.0 (linux)");
});

test("HEAD has no body", async () => {
  await using server = await startServer();
  const { status, body } = await call(server.path, "HEAD /v1.41/_ping");
  assert.equal(status, 200);
  assert.equal(body, "");
});

test("a name may hold slashes, plain or encoded", async () => {
  await using server = await startServer();
  for (const path of ["/v1.41/images/a.io/b/c:1/json", "/images/a.io%2Fb%2Fc:1/json"])
    assert.equal((await call(server.path, `GET ${path}`)).body, '{"name":"a.io/b/c:1"}\n');
});

for (const [line, status, message] of [
  ["GET /nothing", 404, "page not found"],
  ["DELETE /_ping", 404, "page not found"],
  ["GET /v1.43/new", 404, "page not found"],
  ["GET /v1.99/_ping", 400, "client version 1.99 is too new. Maximum supported API version is 1.55"],
  ["POST /missing", 404, "No such container: web"],
  ["POST /taken", 409, "in use"],
] as const) {
  test(`${line} is ${status}`, async () => {
    await using server = await startServer();
    const answer = await call(server.path, line);
    assert.equal(answer.status, status);
    assert.deepEqual(JSON.parse(answer.body), { message });
    assert.equal(answer.headers["content-type"], "application/json");
  });
}

test("clients of before 1.24 are told in plain text that they are too old", async () => {
  await using server = await startServer();
  const answer = await call(server.path, "GET /v1.23/_ping");
  assert.equal(answer.status, 400);
  assert.equal(answer.headers["content-type"], "text/plain; charset=utf-8");
  assert.equal(
    answer.body,
    "client version 1.23 is too old. Minimum supported API version is 1.24, please upgrade your client to a newer version\n",
  );
});

test("a path that nobody knows is not found, whatever its version", async () => {
  await using server = await startServer();
  assert.equal((await call(server.path, "GET /v1.99/nothing")).status, 404);
});

test("a JSON body that is too large is refused with an answer, however it is sent", async () => {
  await using server = await startServer();
  const body = JSON.stringify("x".repeat(bodyLimits.jsonBytes));
  for (const headers of [json, { ...json, "Transfer-Encoding": "chunked" }]) {
    const answer = await call(server.path, "POST /echo", body, headers);
    assert.equal(answer.status, 413);
    assert.match(answer.body, /request body too large/);
  }
});

test("large bodies beyond what all may have at once are refused, small ones are read", () => {
  const budget = new BodyBudget();
  const held = Array.from({ length: bodyLimits.totalBytes / bodyLimits.jsonBytes }, () => budget.open());
  for (const share of held) share.grow(bodyLimits.jsonBytes);
  using small = budget.open();
  small.grow(bodyLimits.freeBytes);
  using large = budget.open();
  large.grow(bodyLimits.freeBytes * held.length); // what does not count of each of the others
  assert.throws(() => large.grow(bodyLimits.freeBytes * (held.length + 2)), { kind: "unavailable" });
  held[0]?.[Symbol.dispose]();
  large.grow(bodyLimits.jsonBytes);
});

test("not modified is 304 without a body", async () => {
  await using server = await startServer();
  const answer = await call(server.path, "POST /same");
  assert.deepEqual([answer.status, answer.body], [304, ""]);
});

for (const [what, body, headers, expected] of [
  ["no body", undefined, {}, '{"got":"nothing"}'],
  ["a body", '{"a":1}', json, '{"got":{"a":1}}'],
  ["a charset", "1", { "Content-Type": "application/json; charset=utf-8" }, '{"got":1}'],
  [
    "broken JSON",
    "{x",
    json,
    `{"message":"invalid JSON: invalid character 'x' looking for beginning of object key string"}`,
  ],
  ["half a body", '{"a"', json, '{"message":"invalid JSON: unexpected EOF"}'],
  ["white space", "  ", json, '{"message":"invalid JSON: got EOF while reading request body"}'],
  ["two values", "{} {}", json, '{"message":"unexpected content after JSON"}'],
  [
    "another type",
    "{}",
    { "Content-Type": "text/plain" },
    `{"message":"unsupported Content-Type header (text/plain): must be 'application/json'"}`,
  ],
  ["no type", "{}", {}, '{"message":"malformed Content-Type header (): mime: no media type"}'],
] as const) {
  test(`a request with ${what} is read as Docker reads it`, async () => {
    await using server = await startServer();
    assert.equal((await call(server.path, "POST /echo", body, headers)).body, `${expected}\n`);
  });
}

test("a client that hangs up aborts the call's signal", async () => {
  await using server = await startServer();
  const socket = connect(server.path);
  socket.write("GET /forever HTTP/1.1\r\nHost: x\r\n\r\n");
  socket.on("data", (chunk) => {
    if (String(chunk).includes("first")) socket.destroy();
  });
  await gone.promise;
});

const bodyPart = "Content-Type: application/json\r\nContent-Length: 2\r\n\r\n42";

test("an upgrade hands over the connection after the request's body", async () => {
  await using server = await startServer();
  const head = `POST /attach HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n${bodyPart}`;
  const answer = await raw(server.path, head, "typed");
  assert.match(answer, /^HTTP\/1\.1 101 UPGRADED\r\n/);
  assert.match(answer, /\r\n\r\nbody 42, input typed$/);
});

test("input that comes before it is read is not lost, though head and body came one by one", async () => {
  await using server = await startServer();
  const [fields = "", body = ""] = bodyPart.split("\r\n\r\n");
  const socket = connect({ path: server.path, allowHalfOpen: true });
  socket.write(`POST /late HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n${fields}\r\n\r\n`);
  await asked.promise;
  socket.once("data", () => {
    socket.end("typed", () => call(server.path, "GET /_ping").then(() => typed.resolve(), typed.reject));
  });
  socket.write(body);
  assert.match(await readToEnd(socket), /\r\n\r\nbody 42, input typed$/);
});

test("without an upgrade the raw stream follows a 200", async () => {
  await using server = await startServer();
  const answer = await raw(server.path, `POST /attach HTTP/1.1\r\nHost: x\r\n${bodyPart}`, "typed");
  assert.match(answer, /^HTTP\/1\.1 200 OK\r\nContent-Type: application\/vnd\.docker\.raw-stream\r\n/);
  assert.match(answer, /\r\n\r\nbody 42, input typed$/);
});

test("an upgrade that fails is an ordinary error", async () => {
  await using server = await startServer();
  const head = "POST /attach?fail=1 HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n\r\n";
  const answer = await raw(server.path, head, "");
  assert.match(answer, /^HTTP\/1\.1 409 Conflict\r\n/);
  assert.match(answer, /\{"message":"not running"\}\n$/);
});

test("a WebSocket client and a handler talk in messages until one of them closes", async () => {
  await using server = await startServer();
  const socket = connect({ path: server.path, allowHalfOpen: true });
  const head = "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n";
  socket.write(`GET /ws HTTP/1.1\r\nHost: x\r\n${head}Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n`);
  socket.write(Buffer.from("818537fa213d7f9f4d5158", "hex")); // "Hello", masked
  socket.on("data", (chunk) => {
    if (String(chunk).includes("<Hello>")) socket.write(Buffer.from("88820000000003e8", "hex")); // close, 1000
  });
  const answer = await readToEnd(socket);
  assert.match(answer, /^HTTP\/1\.1 101 Switching Protocols\r\n/);
  assert.match(answer, /Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK\+xOo=\r\n/);
  assert.match(answer, /\r\n\r\n..<Hello>.{4}$/s);
});

test("a WebSocket's path is nothing for other clients", async () => {
  await using server = await startServer();
  const answer = await call(server.path, "GET /ws");
  assert.deepEqual([answer.status, JSON.parse(answer.body).message], [400, "not websocket protocol"]);
});
