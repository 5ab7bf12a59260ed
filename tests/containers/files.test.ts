// Files of containers that run, are paused, have stopped or never ran: copied both ways, exported, compared, committed.

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import {
  chmodSync,
  linkSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { type Engine, startEngine } from "../system/engine.ts";
import { importBusybox } from "../system/images.ts";
import { readMachineState } from "../system/machine-state.ts";

const skip = process.getuid?.() !== 0 && "needs root";
let engine: Engine;
let folder: string;
before(async () => {
  if (skip) return;
  folder = mkdtempSync(join(tmpdir(), "gantry-files-"));
  engine = await startEngine();
  await importBusybox(engine);
});
after(async () => {
  await engine?.[Symbol.asyncDispose]();
  if (folder !== undefined) rmSync(folder, { recursive: true, force: true });
});

const states: Readonly<Record<string, readonly (readonly string[])[]>> = {
  running: [["run", "-d", "--name", "running", "busybox", "sleep", "1000"]],
  paused: [
    ["run", "-d", "--name", "paused", "busybox", "sleep", "1000"],
    ["pause", "paused"],
  ],
  stopped: [["run", "--name", "stopped", "busybox", "true"]],
  created: [["create", "--name", "created", "busybox", "true"]],
};

test("a file of many chunks goes in and comes out byte by byte, between small ones", { skip }, async () => {
  const source = join(folder, "chunks");
  mkdirSync(source);
  writeFileSync(join(source, "large"), randomBytes(9_000_001));
  for (let index = 0; index < 300; index++) writeFileSync(join(source, `${index}`), randomBytes(index * 7));
  await engine.docker("create", "--name", "chunks", "busybox", "true");
  await engine.docker("cp", source, "chunks:/");
  await engine.docker("cp", "chunks:/chunks", join(folder, "copied"));
  execFileSync("diff", ["-r", source, join(folder, "copied")]);
  execFileSync("sh", ["-c", `docker export chunks | tar -x -C ${folder} --one-top-level=exported`], {
    env: { ...process.env, DOCKER_HOST: engine.host },
  });
  execFileSync("diff", ["-r", source, join(folder, "exported/chunks")]);
});

for (const [name, steps] of Object.entries(states))
  test(`a tree goes into a container that is ${name}, and comes out the same`, { skip }, async () => {
    for (const step of steps) await engine.docker(...step);
    const source = join(folder, `${name}-tree`);
    mkdirSync(join(source, "sub"), { recursive: true });
    writeFileSync(join(source, "sub/file"), "content");
    chmodSync(join(source, "sub/file"), 0o4751);
    execFileSync("touch", ["-d", "@1000000000.123456789", join(source, "sub/file")]);
    execFileSync("chown", ["-h", "12:34", join(source, "sub/file")]);
    linkSync(join(source, "sub/file"), join(source, "again"));
    symlinkSync("sub/file", join(source, "link"));
    execFileSync("mkfifo", [join(source, "fifo")]);
    execFileSync("sh", ["-c", `tar -C ${folder} -c --format=pax ${name}-tree | docker cp - ${name}:/`], {
      env: { ...process.env, DOCKER_HOST: engine.host },
    });
    const listing = "tar -t -v --full-time --numeric-owner";
    const [before_, after_] = [
      `tar -C ${folder} -c --sort=name --format=pax ${name}-tree`,
      `docker cp ${name}:/${name}-tree -`,
    ].map((command) =>
      execFileSync("sh", ["-c", `${command} | ${listing}`], {
        env: { ...process.env, DOCKER_HOST: engine.host },
      })
        .toString()
        .split("\n"),
    );
    // Which of two names is the file and which the link depends on the order.
    assert.deepEqual(after_?.toSorted(), before_?.toSorted());
    await engine.docker("rm", "-f", name);
  });

test("volumes and bind mounts are seen where the container has them, stopped or not", { skip }, async () => {
  const bound = join(folder, "bound");
  mkdirSync(bound);
  await engine.docker(
    "create",
    "--name",
    "vol",
    "-v",
    "v1:/data",
    "-v",
    `${bound}:/bound:ro`,
    "busybox",
    "sleep",
    "1000",
  );
  const file = join(folder, "plain");
  writeFileSync(file, "x");
  await engine.docker("cp", file, "vol:/data/in");
  const refused = await engine.tryDocker(["cp", file, "vol:/bound/in"]);
  assert.match(refused.stderr, /mounted volume is marked read-only/);
  assert.equal(await engine.docker("run", "--rm", "-v", "v1:/d", "busybox", "cat", "/d/in"), "x");
  await engine.docker("start", "vol");
  await engine.docker("cp", file, "vol:/data/live");
  assert.equal(await engine.docker("exec", "vol", "cat", "/data/live"), "x");
  await engine.docker("rm", "-f", "vol");
  await engine.docker("volume", "rm", "v1");
});

test("a read-only root file system is refused, a volume in it is not", { skip }, async () => {
  await engine.docker("run", "-d", "--name", "ro", "--read-only", "-v", "/data", "busybox", "sleep", "1000");
  const file = join(folder, "plain");
  writeFileSync(file, "x");
  assert.match(
    (await engine.tryDocker(["cp", file, "ro:/etc/x"])).stderr,
    /container rootfs is marked read-only/,
  );
  await engine.docker("cp", file, "ro:/data/x");
  assert.equal(await engine.docker("exec", "ro", "cat", "/data/x"), "x");
  await engine.docker("rm", "-f", "-v", "ro");
});

test("with -a files belong to the container's user", { skip }, async () => {
  await engine.docker("run", "-d", "--name", "user", "--user", "7:8", "busybox", "sleep", "1000");
  const file = join(folder, "plain");
  writeFileSync(file, "x");
  await engine.docker("cp", "-a", file, "user:/tmp/x");
  assert.equal(await engine.docker("exec", "user", "stat", "-c", "%u:%g", "/tmp/x"), "7:8");
  await engine.docker("rm", "-f", "user");
});

test("a large file goes through the daemon, not into its memory", { skip }, async () => {
  await engine.docker("run", "-d", "--name", "large", "busybox", "sleep", "1000");
  const file = join(folder, "large");
  writeFileSync(file, "begin");
  truncateSync(file, 300 << 20);
  await engine.docker("cp", file, "large:/large");
  await engine.docker("cp", "large:/large", join(folder, "back"));
  assert.equal(statSync(join(folder, "back")).size, 300 << 20);
  execFileSync("cmp", [file, join(folder, "back")]);
  const pid = readFileSync(join(engine.dir, "gantryd.pid"), "utf8").trim();
  const peak = Number(/VmHWM:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1] ?? 0);
  assert.ok(peak < 400_000, `${peak} kB at its peak`);
  await engine.docker("rm", "-f", "large");
});

test("a commit pauses, keeps what was changed and hidden, and takes settings", { skip }, async () => {
  const script = "echo new >/etc/new; rm /etc/group; mkdir /etc/d; touch /etc/d/f; sleep 1000";
  await engine.docker("run", "-d", "--name", "work", "-e", "A=1", "busybox", "sh", "-c", script);
  await engine.docker("exec", "work", "sh", "-c", "until [ -e /etc/d/f ]; do :; done");
  const since = String(Date.now() / 1000 - 1);
  const id = await engine.docker(
    "commit",
    "-a",
    "me",
    "-m",
    "words",
    "-c",
    'CMD ["cat", "/etc/new"]',
    "work",
    "made:1",
  );
  assert.equal(await engine.docker("run", "--rm", "made:1"), "new");
  assert.equal(
    await engine.docker(
      "run",
      "--rm",
      "made:1",
      "sh",
      "-c",
      "ls /etc/d; [ -e /etc/group ] || echo gone; echo $A",
    ),
    "f\ngone\n1",
  );
  const shown = await engine.docker("image", "inspect", "-f", "{{.Id}} {{.Author}} {{.Comment}}", "made:1");
  assert.equal(shown, `${id} me words`);
  const events = await engine.docker(
    "events",
    "--since",
    since,
    "--until",
    String(Date.now() / 1000),
    "--filter",
    "container=work",
    "--format",
    "{{.Action}}",
  );
  assert.deepEqual(events.split("\n").slice(-3), ["pause", "commit", "unpause"]);
  await engine.docker("rm", "-f", "work");
  await engine.docker("rmi", "made:1");
});

/** Others may run on this machine. */
const ownMounts = (): readonly string[] =>
  (readMachineState().mount ?? []).filter((line) => line.includes(engine.dir));

test("a daemon that is killed in the middle of a copy leaves nothing mounted", { skip }, async () => {
  await engine.docker("run", "-d", "--name", "cut", "busybox", "sleep", "1000");
  const before_ = ownMounts();
  const copying = engine.tryDocker(["cp", "cut:/bin", "-"]);
  const endless = engine.tryDocker(["exec", "cut", "sleep", "1"]);
  await engine.kill();
  await Promise.all([copying, endless]);
  await engine.restart();
  assert.deepEqual(ownMounts(), before_);
  await engine.docker("cp", "cut:/etc/passwd", "-");
  await engine.docker("rm", "-f", "cut");
});
