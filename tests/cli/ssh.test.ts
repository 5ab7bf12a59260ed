// Hosts by ssh://, with an ssh that logs its words and runs the command here instead of there.

import assert from "node:assert/strict";
import { chmod, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { type Result, run } from "../system/process.ts";
import { startFakeDaemon } from "./fake-daemon.ts";

const program = new URL("../../bin/gantry", import.meta.url).pathname;

interface Machine extends AsyncDisposable {
  readonly gantry: (words: readonly string[]) => Promise<Result>;
  readonly words: () => Promise<string>;
}

async function makeMachine(script: string): Promise<Machine> {
  const folder = await mkdtemp(join(tmpdir(), "gantry-ssh-"));
  const ssh = join(folder, "ssh");
  await writeFile(ssh, `#!/bin/sh\necho "$@" >>${folder}/words\n${script}\n`);
  await chmod(ssh, 0o755);
  const env = { PATH: `${folder}:${process.env.PATH}`, DOCKER_CONFIG: folder };
  return {
    gantry: (words) => run([program, ...words], { env }),
    words: () => readFile(join(folder, "words"), "utf8"),
    [Symbol.asyncDispose]: () => rm(folder, { recursive: true }),
  };
}

/** Runs what comes after "-- HOST docker". */
const ARRIVE = `while [ "$1" != -- ]; do shift; done; shift 3; exec ${program} "$@"`;

test("a daemon behind ssh answers through dial-stdio at the other end", async () => {
  await using daemon = await startFakeDaemon(({ line }) =>
    line.startsWith("GET /containers/json") ? { json: [] } : { json: { Volumes: [{ Name: "data" }] } },
  );
  const path = daemon.host.replace("unix://", "");
  await using machine = await makeMachine(ARRIVE);
  const listed = await machine.gantry(["-H", `ssh://me@far.example:2222${path}`, "volume", "ls", "-q"]);
  assert.deepEqual(listed, { code: 0, stdout: "data\n", stderr: "" });
  const [first] = (await machine.words()).split("\n");
  assert.equal(
    first,
    `-o ConnectTimeout=30 -T -l me -p 2222 -- far.example docker --host unix://${path} system dial-stdio`,
  );
});

test("a context by ssh is used like any other", async () => {
  await using daemon = await startFakeDaemon(() => ({ json: { Volumes: [{ Name: "data" }] } }));
  await using machine = await makeMachine(ARRIVE);
  const host = `host=ssh://far.example${daemon.host.replace("unix://", "")}`;
  assert.equal((await machine.gantry(["context", "create", "far", "--docker", host])).code, 0);
  assert.equal((await machine.gantry(["--context", "far", "volume", "ls", "-q"])).stdout, "data\n");
});

test("what ssh says is told when it fails", async () => {
  await using machine = await makeMachine("echo no route >&2; exit 255");
  const { code, stderr } = await machine.gantry(["-H", "ssh://far.example", "ps"]);
  assert.equal(code, 1);
  assert.match(
    stderr,
    /^error during connect: command \[ssh .*\] has exited with exit status 255, .*stderr=no route/,
  );
});

const wrong: readonly (readonly [string, string])[] = [
  ["ssh://me:secret@far", "plain-text password is not supported"],
  ["ssh://", "hostname is empty"],
  ["ssh://far?x=1", 'query parameters are not allowed: "x=1"'],
  ["ssh://-oProxyCommand=x", "hostname may not start with a dash"],
];
for (const [host, reason] of wrong)
  test(`${host} is refused before anything is run`, async () => {
    await using machine = await makeMachine("exit 9");
    const { code, stderr } = await machine.gantry(["-H", host, "ps"]);
    assert.equal(code, 1);
    assert.ok(stderr.includes(reason), stderr);
    await assert.rejects(machine.words());
  });
