import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer, request } from "node:http";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { test } from "node:test";
import { HttpServer } from "#transport/http/server.ts";
import type { Route } from "../router.ts";
import { ApiServer } from "../server.ts";
import { Authorizer } from "./authorizer.ts";

interface Asked {
  readonly call: string;
  readonly question: Readonly<Record<string, unknown>>;
}

interface World extends AsyncDisposable {
  readonly folder: string;
  readonly socket: string;
  readonly asked: Asked[];
  readonly authorizer: Authorizer;
  /** Bodies that a handler has read. */
  readonly handled: unknown[];
}

type Verdict = (asked: Asked) => unknown;

/** A plugin that answers as `verdict` says, and an API that asks it. */
async function startWorld(verdict: Verdict): Promise<World> {
  const folder = mkdtempSync(join(tmpdir(), "gantry-authz-"));
  const asked: Asked[] = [];
  const plugin = createServer((incoming, answer) => {
    void text(incoming).then((body) => {
      if (incoming.url === "/Plugin.Activate") return answer.end('{"Implements":["authz"]}');
      const one = { call: incoming.url ?? "", question: JSON.parse(body) };
      asked.push(one);
      return answer.end(JSON.stringify(verdict(one)));
    });
  });
  await new Promise<void>((resolve) => plugin.listen(join(folder, "guard.sock"), resolve));
  const authorizer = new Authorizer({ sockets: folder, specs: [folder] });
  await authorizer.use(["guard"], new AbortController().signal);
  const handled: unknown[] = [];
  const route: Route = {
    method: "POST",
    path: "/things",
    handle: async (call) => {
      handled.push(await call.json());
      return { kind: "json", status: 201, value: { done: true } };
    },
  };
  const upload: Route = {
    method: "PUT",
    path: "/upload",
    handle: async (call) => {
      for await (const chunk of call.body) handled.push(chunk.length);
      return { kind: "empty", status: 200 };
    },
  };
  const login: Route = { ...route, path: "/auth" };
  const log = { debug: () => undefined, error: () => undefined };
  const api = new ApiServer({ routes: [route, upload, login], version: "t", authorizer, log });
  const server = new HttpServer((exchange) => api.serve(exchange));
  const socket = join(folder, "api.sock");
  await server.listen({ kind: "unix", path: socket });
  return {
    folder,
    socket,
    asked,
    authorizer,
    handled,
    [Symbol.asyncDispose]: async () => {
      await server[Symbol.asyncDispose]();
      plugin.closeAllConnections();
      await new Promise((resolve) => plugin.close(resolve));
      rmSync(folder, { recursive: true });
    },
  };
}

const json = { "Content-Type": "application/json" };

async function post(socketPath: string, path: string, body: string | Buffer, headers: object = json) {
  const { promise, resolve, reject } = Promise.withResolvers<{ status: number; body: string }>();
  const method = path === "/upload" ? "PUT" : "POST";
  const outgoing = request(
    { socketPath, method, path, headers: { ...headers }, agent: false },
    (incoming) => {
      text(incoming).then((answer) => resolve({ status: incoming.statusCode ?? 0, body: answer }), reject);
    },
  );
  outgoing.on("error", reject);
  outgoing.end(body);
  return promise;
}

const bodyOf = ({ question }: Asked): string =>
  Buffer.from(String(question.RequestBody), "base64").toString();
const allow: Verdict = () => ({ Allow: true });

test("a plugin is asked before and after, with everything but credentials", async () => {
  await using world = await startWorld(allow);
  const headers = { ...json, "X-Registry-Auth": "secret", Authorization: "secret", "X-Other": "shown" };
  const answer = await post(world.socket, "/v1.41/things?a=b", '{"Privileged":true}', headers);
  assert.deepEqual(answer, { status: 201, body: '{"done":true}\n' });
  const [before, after] = world.asked;
  assert.ok(before && after);
  assert.equal(before.call, "/AuthZPlugin.AuthZReq");
  assert.equal(before.question.RequestMethod, "POST");
  assert.equal(before.question.RequestUri, "/v1.41/things?a=b");
  assert.equal(bodyOf(before), '{"Privileged":true}');
  assert.match(JSON.stringify(before.question.RequestHeaders), /"X-Other":"shown"/);
  assert.doesNotMatch(JSON.stringify(world.asked), /secret/);
  assert.equal(after.call, "/AuthZPlugin.AuthZRes");
  assert.equal(after.question.ResponseStatusCode, 201);
  assert.equal(Buffer.from(String(after.question.ResponseBody), "base64").toString(), '{"done":true}\n');
});

test("what a plugin denies is not handled", async () => {
  await using world = await startWorld(() => ({ Allow: false, Msg: "not today" }));
  assert.deepEqual(await post(world.socket, "/things", "{}"), {
    status: 403,
    body: '{"message":"authorization denied by plugin guard: not today"}\n',
  });
  assert.deepEqual(world.handled, []);
});

test("an answer that a plugin denies is not sent", async () => {
  await using world = await startWorld(({ call }) => ({ Allow: call.endsWith("AuthZReq"), Msg: "no" }));
  assert.deepEqual(await post(world.socket, "/things", "{}"), {
    status: 403,
    body: '{"message":"authorization denied by plugin guard: no"}\n',
  });
});

for (const [what, verdict, message] of [
  ["reports an error", { Err: "broken" }, "plugin guard failed with error: broken"],
  ["says nothing", {}, "authorization denied by plugin guard: "],
  ["talks nonsense", "no object", "plugin guard failed with error: value: expected object, got string"],
] as const) {
  test(`a plugin that ${what} denies`, async () => {
    await using world = await startWorld(() => verdict);
    const { status, body } = await post(world.socket, "/things", "{}");
    assert.ok(status === 403 || status === 500);
    assert.equal(JSON.parse(body).message, message);
    assert.deepEqual(world.handled, []);
  });
}

const MiB = 1024 * 1024;
const sized = (bytes: number): string => `"${"x".repeat(bytes - 2)}"`;

for (const size of [2, 65_536, MiB - 1, MiB, MiB + 1, 4 * MiB]) {
  for (const [how, headers] of [
    ["with its length", json],
    ["in chunks", { ...json, "Transfer-Encoding": "chunked" }],
  ] as const) {
    test(`a plugin sees all ${size} bytes of a body that is sent ${how}`, async () => {
      await using world = await startWorld(allow);
      assert.equal((await post(world.socket, "/things", sized(size), headers)).status, 201);
      const [before] = world.asked;
      assert.ok(before);
      assert.equal(bodyOf(before), sized(size));
      assert.deepEqual(world.handled, [JSON.parse(sized(size))]);
    });
  }
}

for (const headers of [json, { ...json, "Transfer-Encoding": "chunked" }]) {
  test(`a body that no plugin is shown is refused: ${JSON.stringify(headers)}`, async () => {
    await using world = await startWorld(allow);
    const { status, body } = await post(world.socket, "/things", sized(4 * MiB + 1), headers);
    assert.equal(status, 500);
    assert.match(body, /request body too large for authorization plugin: size exceeds 4194304 bytes/);
    assert.deepEqual([world.asked, world.handled], [[], []]);
  });
}

for (const [what, head] of [
  ["length 0 and a body behind it", "Content-Length: 0\r\n\r\n{}"],
  ["two lengths", 'Content-Length: 0\r\nContent-Length: 18\r\n\r\n{"Privileged":true}'],
  [
    "a length and chunks",
    'Content-Length: 0\r\nTransfer-Encoding: chunked\r\n\r\n12\r\n{"Privileged":true}\r\n0\r\n\r\n',
  ],
  ["chunks and another encoding", "Transfer-Encoding: gzip, chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n"],
] as const) {
  test(`no handler reads a body that the plugin was not shown: ${what}`, async () => {
    await using world = await startWorld(allow);
    const socket = connect(world.socket);
    socket.write(
      `POST /things HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Type: application/json\r\n${head}`,
    );
    await text(socket);
    const shown = world.asked
      .filter(({ call }) => call.endsWith("AuthZReq"))
      .map((one) => (one.question.RequestBody === undefined ? undefined : JSON.parse(bodyOf(one))));
    assert.deepEqual(world.handled, shown);
  });
}

test("JSON of another name is neither shown nor read", async () => {
  await using world = await startWorld(allow);
  for (const headers of [
    { "Content-Type": "text/json" },
    { "Content-Type": "" },
    { ...json, "Content-Encoding": "gzip" },
  ])
    assert.equal((await post(world.socket, "/things", Buffer.from([0x1f, 0x8b, 8, 0]), headers)).status, 400);
  assert.deepEqual(world.handled, []);
});

test("an upload streams by, of any size; a login is not shown", async () => {
  await using world = await startWorld(allow);
  const tar = { "Content-Type": "application/x-tar" };
  assert.equal((await post(world.socket, "/upload", Buffer.alloc(20 * MiB), tar)).status, 200);
  assert.equal((await post(world.socket, "/auth", '{"password":"x"}')).status, 201);
  assert.ok(world.asked.every(({ question }) => question.RequestBody === undefined));
  assert.deepEqual(world.handled.at(-1), { password: "x" });
});

test("a plugin that is not there is refused, and the ones of before remain", async () => {
  await using world = await startWorld(() => ({ Allow: false, Msg: "still" }));
  const { signal } = new AbortController();
  await assert.rejects(world.authorizer.use(["other"], signal), { message: 'plugin "other" not found' });
  writeFileSync(join(world.folder, "gone.spec"), `unix://${world.folder}/gone.sock`);
  await assert.rejects(
    world.authorizer.use(["gone"], signal),
    /Error validating authorization plugin: gone: /,
  );
  assert.equal((await post(world.socket, "/things", "{}")).status, 403);
  await world.authorizer.use([], signal);
  assert.equal((await post(world.socket, "/things", "{}")).status, 201);
});

for (const [file, write] of [
  ["named.spec", (path: string) => `unix://${path}\n`],
  ["named.json", (path: string) => JSON.stringify({ Name: "named", Addr: `unix://${path}` })],
] as const) {
  test(`a plugin is found by ${file}`, async () => {
    await using world = await startWorld(allow);
    writeFileSync(join(world.folder, file), write(join(world.folder, "guard.sock")));
    await world.authorizer.use(["named"], new AbortController().signal);
    assert.equal((await post(world.socket, "/things", "{}")).status, 201);
    assert.equal(world.asked.length, 2);
  });
}

test("a plugin that has ended denies", async () => {
  await using world = await startWorld(allow);
  const path = join(world.folder, "guard.sock");
  rmSync(path);
  const { status, body } = await post(world.socket, "/things", "{}");
  assert.equal(status, 500);
  assert.match(body, /plugin guard failed with error: connect ENOENT/);
  writeFileSync(path, "");
  assert.deepEqual(world.handled, []);
});
