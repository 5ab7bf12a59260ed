// Secrets without a swarm: they are in the container, survive the daemon, end with the container, and are nowhere else.

import assert from "node:assert/strict";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { request } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { after, before, test } from "node:test";
import { type Engine, startEngine } from "../system/engine.ts";
import { importBusybox } from "../system/images.ts";
import { type Result, run } from "../system/process.ts";

const skip = process.getuid?.() !== 0 && "needs root";
const gantry = join(import.meta.dirname, "../../bin/gantry");
/** In no form that the daemon could have written is it on a disk: neither as it is nor as base64. */
const content = "correct-horse-battery-staple";
const forms = [content, Buffer.from(content).toString("base64")];
let engine: Engine;
let folder: string;
let secret: string;

before(async () => {
  if (skip) return;
  folder = mkdtempSync(join(tmpdir(), "gantry-secrets-"));
  secret = join(folder, "password");
  writeFileSync(secret, content, { mode: 0o600 });
  engine = await startEngine({ flags: ["--debug"] });
  await importBusybox(engine);
});
after(async () => {
  await engine?.[Symbol.asyncDispose]();
  if (folder !== undefined) rmSync(folder, { recursive: true, force: true });
});

const tryGantry = (...words: readonly string[]): Promise<Result> =>
  run([gantry, ...words], { env: { DOCKER_HOST: engine.host, PASSWORD: content } });

async function ours(...words: readonly string[]): Promise<string> {
  const { code, stdout, stderr } = await tryGantry(...words);
  assert.equal(code, 0, stderr);
  return stdout.trimEnd();
}

const holdsSecret = (bytes: Buffer): boolean => forms.some((form) => bytes.includes(form));

/** Files below the path that hold the secret; sockets and what is mounted there are left out. */
const search = (path: string): readonly string[] =>
  readdirSync(path, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .filter((file) => holdsSecret(readFileSync(file)));

const mountsOfSecrets = (): readonly string[] =>
  readFileSync("/proc/self/mounts", "utf8")
    .split("\n")
    .filter((line) => line.includes(`${engine.dir}/exec/secrets`));

test("secrets are files in memory, read-only, with the owner and mode asked for", { skip }, async () => {
  const script =
    "cat /run/secrets/a /etc/b; stat -c '%n %u %g %a' /run/secrets/a /etc/b; stat -f -c %T /etc/b; echo x > /etc/b";
  const { stdout, stderr } = await tryGantry(
    ...["run", "--rm", "--secret", `id=a,src=${secret}`],
    ...["--secret", "id=b,env=PASSWORD,target=/etc/b,uid=7,gid=8,mode=0440", "busybox", "sh", "-c", script],
  );
  const expected = ["/run/secrets/a 0 0 444", "/etc/b 7 8 440", "tmpfs"];
  assert.deepEqual(stdout.trimEnd().split("\n"), [
    `${content}${content}${expected[0]}`,
    ...expected.slice(1),
  ]);
  assert.match(stderr, /can't create \/etc\/b: Read-only file system/);
  assert.deepEqual(mountsOfSecrets(), [], "gone with the container");
});

test("nothing that the daemon keeps or tells has a secret's content", { skip }, async () => {
  const id = await ours(
    "run",
    "-d",
    "--name",
    "quiet",
    "--secret",
    `id=a,src=${secret}`,
    "busybox",
    "sleep",
    "1000",
  );
  await ours(
    "create",
    "--name",
    "later",
    "--secret",
    `id=a,src=${secret}`,
    "busybox",
    "cat",
    "/run/secrets/a",
  );
  assert.equal(await engine.docker("exec", "quiet", "cat", "/run/secrets/a"), content);
  await engine.docker("commit", "quiet", "kept");
  await engine.docker("cp", "quiet:/run", join(folder, "copied-running"));
  rmSync(join(folder, "copied-running"), { recursive: true }); // as with `exec cat`: whoever may see the running container sees it
  await engine.docker("export", "-o", join(folder, "export.tar"), "quiet");
  await engine.docker("save", "-o", join(folder, "save.tar"), "kept");
  await engine.docker("stop", "-t", "0", "quiet");
  await engine.docker("cp", "quiet:/run", join(folder, "copied"));
  const told = [
    await engine.docker("inspect", "quiet", "later", "kept"),
    await engine.docker("events", "--since", "0", "--until", `${Math.ceil(Date.now() / 1000)}`),
    await engine.docker("history", "--no-trunc", "kept"),
    await engine.docker("diff", "quiet"),
    await engine.docker("logs", "quiet"),
    engine.daemon.output(),
  ];
  for (const words of told) assert.ok(!holdsSecret(Buffer.from(words)), words);
  rmSync(secret);
  assert.deepEqual([...search(join(engine.dir, "root")), ...search(folder)], []);
  writeFileSync(secret, content, { mode: 0o600 });
  // What the files of the exec root hold is what the memory file systems hold.
  assert.deepEqual(
    search(join(engine.dir, "exec")).map((file) => file.replace(/\/secrets\/[0-9a-f]{64}\//, "/secrets/ID/")),
    [`${engine.dir}/exec/secrets/ID/0`, `${engine.dir}/exec/secrets/ID/0`],
  );
  const mode = (await run(["stat", "-c", "%a", `${engine.dir}/exec/secrets`])).stdout.trim();
  assert.equal(mode, "700");
  const [{ HostConfig }] = JSON.parse(await engine.docker("inspect", id));
  assert.deepEqual(HostConfig.Secrets, [{ ID: "a", Target: "/run/secrets/a", UID: 0, GID: 0, Mode: 0o444 }]);
});

test("after the daemon was killed a container starts with its secrets, until it is removed", {
  skip,
}, async () => {
  await engine.kill();
  await engine.restart();
  assert.equal(await engine.docker("start", "-a", "later"), content);
  await engine.docker("restart", "-t", "0", "quiet");
  assert.equal(await engine.docker("exec", "quiet", "cat", "/run/secrets/a"), content);
  assert.equal(mountsOfSecrets().length, 2);
  await engine.docker("rm", "-f", "later", "quiet");
  assert.deepEqual(mountsOfSecrets(), []);
  assert.deepEqual(readdirSync(`${engine.dir}/exec/secrets`), []);
});

test("after the machine was restarted the start says what is missing", { skip }, async () => {
  await ours("create", "--name", "old", "--secret", `id=a,src=${secret}`, "busybox", "true");
  const [, mountPoint = ""] = mountsOfSecrets()[0]?.split(" ") ?? [];
  await run(["umount", mountPoint]); // as a restart of the machine would
  const { code, stderr } = await engine.tryDocker(["start", "old"]);
  assert.equal(code, 1);
  assert.match(
    stderr,
    /the secrets of container [0-9a-f]{12} were in memory and are gone .* create the container again/,
  );
  await engine.docker("rm", "old");
});

test("what a daemon left that was killed half-way goes with the next start", { skip }, async () => {
  await ours("create", "--name", "half", "--secret", `id=a,src=${secret}`, "busybox", "true");
  const id = await engine.docker("inspect", "-f", "{{.Id}}", "half");
  const stray = `${engine.dir}/exec/secrets/${"0".repeat(64)}`;
  await engine.kill();
  await run(["mkdir", stray]);
  await run(["mount", "-t", "tmpfs", "secrets", stray]);
  await engine.restart();
  assert.deepEqual(readdirSync(`${engine.dir}/exec/secrets`), [id]);
  await engine.docker("rm", "half");
  assert.deepEqual(mountsOfSecrets(), []);
});

/** POST /containers/create, as any client of the API can. */
async function create(body: object): Promise<{ readonly status: number; readonly message: string }> {
  const { promise, resolve, reject } = Promise.withResolvers<{ status: number; message: string }>();
  const headers = { "content-type": "application/json" };
  request(
    { socketPath: engine.socket, path: "/v1.44/containers/create?name=api", method: "POST", headers },
    (answer) =>
      text(answer).then(
        (words) => resolve({ status: answer.statusCode ?? 0, message: JSON.parse(words).message ?? "" }),
        reject,
      ),
  )
    .on("error", reject)
    .end(JSON.stringify(body));
  return promise;
}

test("clients of the API send them with the request, and are told what is wrong", { skip }, async () => {
  const Data = forms[1];
  const ask = (Secrets: unknown, more: object = {}) =>
    create({ Image: "busybox", Cmd: ["cat", "/x"], HostConfig: { Secrets, ...more } });
  assert.deepEqual(await ask([{ ID: "a", Data, Target: "/x" }], { Binds: ["/tmp:/x"] }), {
    status: 400,
    message: 'Duplicate mount point: /x (secret "a")',
  });
  assert.match((await ask([{ ID: "a" }])).message, /HostConfig.Secrets\[0\].Data: expected string/);
  assert.match((await ask([{ ID: "a", Data: "!" }])).message, /the data is not base64/);
  assert.deepEqual(mountsOfSecrets(), [], "a refused request leaves none");
  assert.equal((await ask([{ ID: "a", Data, Target: "/x" }])).status, 201);
  assert.equal(await engine.docker("start", "-a", "api"), content);
  await engine.docker("rm", "api");
});

test("the client refuses what it cannot read", { skip }, async () => {
  for (const [flag, message] of [
    [`id=a,src=${folder}/nosuch`, /nosuch/],
    ["id=a,env=NOSUCH", /environment variable NOSUCH is not set/],
    ["id=a", /one of src and env is required/],
  ] as const) {
    const { code, stderr } = await tryGantry("run", "--secret", flag, "busybox", "true");
    assert.equal(code, 125);
    assert.match(stderr, message);
  }
});

test("nothing is left", { skip }, async () => {
  await engine.docker("rmi", "kept");
  await engine.stop();
  assert.ok(!readFileSync("/proc/self/mounts", "utf8").includes(engine.dir));
});
