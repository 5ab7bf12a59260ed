// `search` at an index on loopback, as there is no Docker Hub here: gantryd beside dockerd with the real client, and our client beside it.

import assert from "node:assert/strict";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { type Client, type Engine, startEngine } from "../system/engine.ts";
import { startPeer } from "../system/peer.ts";
import { startBackground } from "../system/process.ts";
import { skip } from "./unpacker.ts";

const INDEX = "127.0.0.1:5006";
const OURS = join(import.meta.dirname, "../../bin/gantry");

let engine: Engine;
let peer: Client;
let folder = "";
const undo = new AsyncDisposableStack();

before(async () => {
  if (skip) return;
  folder = await mkdtemp(join(tmpdir(), "gantry-search-"));
  undo.defer(() => rm(folder, { recursive: true, force: true }));
  engine = undo.use(await startEngine());
  peer = undo.use(await startPeer({ netns: engine.netns }));
  const program = join(import.meta.dirname, "index-server.ts");
  const server = startBackground([process.execPath, program, INDEX.split(":")[1] ?? ""], {
    netns: engine.netns,
  });
  undo.defer(() => server.end());
  await server.line(/^listening$/);
  const auth = Buffer.from("user:secret").toString("base64");
  await writeFile(join(folder, "config.json"), JSON.stringify({ auths: { [INDEX]: { auth } } }));
});
after(() => undo.disposeAsync());

const lines = [
  ["search", `${INDEX}/some`],
  ["search", "--no-trunc", `${INDEX}/some`],
  ["search", "--filter", "is-official=true", `${INDEX}/some`],
  ["search", "--filter", "is-official=false", `${INDEX}/some`],
  ["search", "-f", "stars=3", "-f", "stars=1", `${INDEX}/some`],
  ["search", "-f", "stars=4", "-f", "is-official=false", `${INDEX}/some`],
  ["search", "-f", "is-automated=false", `${INDEX}/some`],
  ["search", "--format", "{{.Name}}: {{.StarCount}} {{.IsOfficial}} {{.Description}}", `${INDEX}/some`],
  ["search", "--format", "{{json .}}", `${INDEX}/some`],
  ["search", "--format", "json", `${INDEX}/some`],
  ["search", "--format", "table {{.Name}}\t{{.StarCount}}", `${INDEX}/some`],
  ["search", "--format", "{{.Nothing}}", `${INDEX}/some`],
  ["search", "--limit", "7", `${INDEX}/echo`],
  ["search", `${INDEX}/echo`],
  ["search", `${INDEX}/two words/and more`],
  ["search", `${INDEX}/none`],
  ["search", `${INDEX}/500`],
  ["search", `${INDEX}/404`],
  ["search", `${INDEX}/junk`],
  ["search", `${INDEX}/empty`],
  ["search", "127.0.0.1:9/some"],
  ["search", "10.255.255.1/some"],
  ["search"],
  ["search", "a", "b"],
  ["search", "--filter", "x", "a"],
  ["search", "--limit", "x", "a"],
] as const;

/** Words that Docker's current release has changed since 20.10. */
const reworded = [
  ["search", "--limit", "101", `${INDEX}/some`],
  ["search", "-f", "stars=x", `${INDEX}/some`],
  ["search", "-f", "is-official=x", `${INDEX}/some`],
  ["search", "-f", "nosuch=1", `${INDEX}/some`],
  ["search", "-f", "is-automated=true", `${INDEX}/some`],
  ["search", `http://${INDEX}/some`],
] as const;

async function told(
  daemon: Client,
  program: string,
  words: readonly string[],
  config = folder,
): Promise<string> {
  const { code, stdout, stderr } = await daemon.tryDocker(words, { program, env: { DOCKER_CONFIG: config } });
  return `${stdout}${stderr}=> ${code}`.replaceAll(/\bgantry\b/g, "docker");
}

test("a search is told as by dockerd, and by our client as by the real one", { skip }, async () => {
  for (const words of lines) {
    const theirs = await told(peer, "docker", words);
    assert.equal(await told(engine, "docker", words), theirs, words.join(" "));
    assert.equal(await told(engine, OURS, words), theirs, words.join(" "));
  }
});

test("what is refused is told in the words of Docker's current release", { skip }, async () => {
  const wanted = [
    "limit 101 is outside the range of [1, 100]",
    `invalid filter 'stars=x': strconv.Atoi: parsing "x": invalid syntax`,
    "invalid filter 'is-official=[x]'",
    "invalid filter 'nosuch'",
    undefined,
    `invalid repository name: repository name (http://${INDEX}/some) should not have a scheme`,
  ];
  for (const [index, words] of reworded.entries()) {
    const text = await told(engine, "docker", words);
    const message = wanted[index];
    if (message === undefined) assert.match(text, /^NAME +DESCRIPTION +STARS +OFFICIAL\nWARNING: .*\n=> 0$/);
    else assert.equal(text, `Error response from daemon: ${message}\n=> 1`);
    assert.equal(await told(engine, OURS, words), text);
  }
});

test("an identity token is exchanged for one to search with, as dockerd does", { skip }, async () => {
  const words = ["search", "--format", "{{.Name}}", `${INDEX}/echo`];
  const auth = Buffer.from("user:").toString("base64");
  const names: string[] = [];
  for (const identitytoken of ["identity", "stale"]) {
    const own = join(folder, identitytoken);
    await mkdir(own);
    await writeFile(
      join(own, "config.json"),
      JSON.stringify({ auths: { [INDEX]: { auth, identitytoken } } }),
    );
    for (const [daemon, program] of [
      [peer, "docker"],
      [engine, "docker"],
      [engine, OURS],
    ] as const)
      names.push(await told(daemon, program, words, own));
  }
  const [token, ours, own, refused, oursRefused, ownRefused] = names;
  assert.match(token ?? "", /^\?q=echo&n=25 Bearer index.registry.catalog.search true\n/);
  assert.deepEqual([ours, own], [token, token]);
  assert.deepEqual([oursRefused, ownRefused], [refused, refused]);
});

test("who asks is shown to the index, and to no other", { skip }, async () => {
  const echo = await told(engine, "docker", ["search", "--format", "{{.Name}}", `${INDEX}/echo`]);
  assert.match(echo, new RegExp(`^\\?q=echo&n=25 Basic ${btoa("user:secret")} true\n`));
  const other = await told(engine, "docker", [
    "search",
    "--format",
    "{{.Name}}",
    INDEX.replace("127.0.0.1", "localhost").concat("/echo"),
  ]);
  assert.match(other, /^\?q=echo&n=25 nobody true\n/);
});
