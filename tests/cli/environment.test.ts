// What the environment and the configuration file change: headers, content trust, help, the format of lists.

import assert from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer, type IncomingHttpHeaders } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { gantry } from "./command-line.ts";
import { startFakeDaemon } from "./fake-daemon.ts";

async function configFolder(t: TestContext, config: unknown): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "gantry-environment-"));
  t.after(() => rm(folder, { recursive: true }));
  await writeFile(join(folder, "config.json"), JSON.stringify(config));
  return folder;
}

/** The headers of the last request of a command line. */
async function headersOf(
  t: TestContext,
  env: Readonly<Record<string, string>>,
): Promise<IncomingHttpHeaders> {
  let headers: IncomingHttpHeaders = {};
  const server = createServer((request, response) => {
    ({ headers } = request);
    response.setHeader("Api-Version", "1.41");
    response.end(request.method === "HEAD" ? "" : "[]");
  });
  const folder = await mkdtemp(join(tmpdir(), "gantry-environment-"));
  const path = join(folder, "d.sock");
  await new Promise<void>((resolve) => server.listen(path, () => resolve()));
  t.after(async () => {
    server.close();
    await rm(folder, { recursive: true });
  });
  assert.equal((await gantry(["-H", `unix://${path}`, "ps"], { env })).code, 0);
  return headers;
}

test("HttpHeaders of the configuration file go with each request, but for the agent's name", async (t) => {
  const DOCKER_CONFIG = await configFolder(t, { HttpHeaders: { "X-Meta": "a", "User-Agent": "b" } });
  const headers = await headersOf(t, { DOCKER_CONFIG });
  assert.equal(headers["x-meta"], "a");
  assert.match(headers["user-agent"] ?? "", /^Gantry-Client/);
});

test("DOCKER_CUSTOM_HEADERS stand in their place", async (t) => {
  const DOCKER_CONFIG = await configFolder(t, { HttpHeaders: { "X-Meta": "a" } });
  const headers = await headersOf(t, { DOCKER_CONFIG, DOCKER_CUSTOM_HEADERS: 'X-One=1,"X-Two=2,3"' });
  assert.deepEqual([headers["x-meta"], headers["x-one"], headers["x-two"]], [undefined, "1", "2,3"]);
});

const badHeaders: readonly (readonly [string, string])[] = [
  ["a", `missing "=" in key=value pair: 'a'`],
  ["=b", "value contains a key=value pair with an empty key: '=b'"],
  ["a=b,,c=d", "value contains a key=value pair with an empty key: ''"],
];
for (const [text, reason] of badHeaders)
  test(`DOCKER_CUSTOM_HEADERS=${text} is refused in Docker's words`, async () => {
    const { code, stderr } = await gantry(["ps"], { env: { DOCKER_CUSTOM_HEADERS: text } });
    const message = `Failed to initialize: failed to set custom headers from DOCKER_CUSTOM_HEADERS environment variable: ${reason}\n`;
    assert.deepEqual([code, stderr], [1, message]);
  });

test("psFormat of the configuration file is the format of ps, and --format goes before it", async (t) => {
  const env = { DOCKER_CONFIG: await configFolder(t, { psFormat: "{{.Names}}" }) };
  await using daemon = await startFakeDaemon(() => ({
    json: [{ Id: "1", Names: ["/web"], Image: "nginx" }],
  }));
  assert.equal((await gantry(["-H", daemon.host, "ps"], { env })).stdout, "web\n");
  const given = await gantry(["-H", daemon.host, "ps", "--format", "{{.Image}}"], { env });
  assert.equal(given.stdout, "nginx\n");
});

const trusting: readonly (readonly [readonly string[], Readonly<Record<string, string>>, boolean])[] = [
  [["pull", "x"], { DOCKER_CONTENT_TRUST: "1" }, true],
  [["run", "x"], { DOCKER_CONTENT_TRUST: "yes" }, true],
  [["create", "--disable-content-trust=false", "x"], {}, true],
  [["pull", "--disable-content-trust", "x"], { DOCKER_CONTENT_TRUST: "1" }, false],
  [["pull", "x"], { DOCKER_CONTENT_TRUST: "0" }, false],
  [["ps"], { DOCKER_CONTENT_TRUST: "1" }, false],
];
for (const [words, env, refused] of trusting)
  test(`${Object.values(env).join()} ${words.join(" ")} ${refused ? "is refused: images are not verified" : "asks for no content trust"}`, async () => {
    const { stderr } = await gantry(["-H", "unix:///nonexistent", ...words], { env });
    assert.equal(stderr.includes("images are not verified"), refused);
  });

test("DOCKER_HIDE_LEGACY_COMMANDS leaves commands with a noun's spelling out of help", async () => {
  const all = (await gantry(["--help"])).stdout;
  const fewer = (await gantry(["--help"], { env: { DOCKER_HIDE_LEGACY_COMMANDS: "1" } })).stdout;
  assert.match(all, /\n {2}attach /);
  assert.doesNotMatch(fewer, /\n {2}attach /);
  assert.match(fewer, /\n {2}run .*\n/);
  assert.match(fewer, /\n {2}container /);
});
