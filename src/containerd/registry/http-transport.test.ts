import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer, type ServerResponse } from "node:http";
import { test } from "node:test";
import { HttpTransport, redirected } from "./http-transport.ts";

const headers = { Accept: "a", Authorization: "Basic eA==" };
const get = { method: "GET", url: new URL("https://one.example/v2/"), headers } as const;
const post = { ...get, method: "POST", body: "refresh_token=secret" } as const;

test("a redirect to another host takes no credentials along", () => {
  const to = new URL("https://two.example/blob");
  assert.deepEqual(redirected(get, to).headers, { Accept: "a" });
  assert.throws(() => redirected(post, to), /refused to send credentials on to two.example/);
});

test("a redirect within the host keeps the request", () => {
  const to = new URL("https://one.example/other");
  assert.deepEqual(redirected(post, to), { ...post, url: to });
});

test("a redirect never leaves TLS, nor HTTP", () => {
  assert.throws(() => redirected(get, new URL("http://one.example/")), /from https to http/);
  assert.throws(() => redirected(get, new URL("file:///etc/shadow")), /unsupported protocol scheme "file"/);
});

/** Grants every tunnel (or does not even answer), and then says nothing. `onHello` hears of the first bytes in it, or of it itself; `closed`
 *  resolves when a tunnel is. */
async function openSilentProxy(onHello = (): void => undefined, granting = true) {
  const { promise: closed, resolve } = Promise.withResolvers<void>();
  const undo = new AsyncDisposableStack();
  const server = undo.use(createServer().listen(0, "127.0.0.1"));
  server.on("connect", (_request, socket) => {
    undo.defer(() => void socket.destroy());
    if (granting) socket.write("HTTP/1.1 200 OK\r\n\r\n");
    else onHello();
    socket
      .on("error", resolve)
      .on("close", resolve)
      .on("end", () => socket.end())
      .on("data", onHello);
  });
  await once(server, "listening");
  const address = server.address();
  const port = address !== null && typeof address === "object" ? address.port : 0;
  const proxyFor = (): URL => new URL(`http://127.0.0.1:${port}`);
  return { closed, proxyFor, [Symbol.asyncDispose]: () => undo.disposeAsync() };
}

const request = { method: "GET", url: new URL("https://registry.example/"), headers: {} } as const;

test("a request through a proxy that lets nothing through is given up after a while", async () => {
  await using proxy = await openSilentProxy();
  using transport = new HttpTransport({ userAgent: "test", proxyFor: proxy.proxyFor, idleMs: 200 });
  const message = `Get "${request.url.href}": i/o timeout`;
  await assert.rejects(transport.send(request, { verify: true }, new AbortController().signal), { message });
});

test("a request through a proxy that lets nothing through ends when it is cancelled, and its tunnel with it", async () => {
  const cancel = new AbortController();
  await using proxy = await openSilentProxy(() => cancel.abort(new Error("gone")));
  {
    using transport = new HttpTransport({ userAgent: "test", proxyFor: proxy.proxyFor });
    await assert.rejects(transport.send(request, { verify: true }, cancel.signal), /gone/);
  }
  await proxy.closed;
});

test("a request ends when it is cancelled while the proxy has not answered, and its connection with it", async () => {
  const cancel = new AbortController();
  await using proxy = await openSilentProxy(() => cancel.abort(new Error("gone")), false);
  {
    using transport = new HttpTransport({ userAgent: "test", proxyFor: proxy.proxyFor });
    await assert.rejects(transport.send(request, { verify: true }, cancel.signal), /gone/);
  }
  await proxy.closed;
});

test("a registry may take longer than any other answer to commit an upload", async () => {
  const { promise: received, resolve } = Promise.withResolvers<ServerResponse>();
  await using server = createServer((asked, response) => {
    if (asked.method === "PUT") asked.resume().once("end", () => resolve(response));
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  const url = new URL(
    `http://127.0.0.1:${address !== null && typeof address === "object" ? address.port : 0}/`,
  );
  using transport = new HttpTransport({ userAgent: "test", proxyFor: () => undefined, idleMs: 1000 });
  const send = (method: "GET" | "PUT") =>
    transport.send({ method, url, headers: {}, body: "x" }, { verify: true }, new AbortController().signal);
  const committed = send("PUT");
  const whole = await received;
  // What began later is given up before.
  await assert.rejects(send("GET"), /i\/o timeout/);
  whole.writeHead(201).end();
  assert.equal((await committed).statusCode, 201);
});
