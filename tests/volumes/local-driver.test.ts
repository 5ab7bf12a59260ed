// The engine's own volumes with options, by the real client: file systems that are mounted while they are used, sizes, owners.

import assert from "node:assert/strict";
import { existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { type Engine, startEngine } from "../system/engine.ts";
import { importBusybox } from "../system/images.ts";
import { must, run as runProgram } from "../system/process.ts";
import { until } from "../system/until.ts";

const skip = process.getuid?.() !== 0 && "needs root";

const mountsOf = (path: string): readonly string[] =>
  readFileSync("/proc/self/mountinfo", "utf8")
    .split("\n")
    .filter((line) => line.split(" ")[4]?.startsWith(path));

describe("volumes with options", { skip }, () => {
  let engine: Engine;
  before(async () => {
    engine = await startEngine();
    await importBusybox(engine);
  });
  after(() => engine[Symbol.asyncDispose]());
  const create = (name: string, ...options: readonly string[]) =>
    engine.tryDocker(["volume", "create", ...options.flatMap((option) => ["-o", option]), name]);
  const inside = (volume: string, script: string) =>
    engine.docker("run", "--rm", "-v", `${volume}:/d`, "busybox", "sh", "-c", script);
  const mounts = (volume: string) => mountsOf(join(engine.dir, "root/volumes", volume));

  test("a tmpfs is there for all who use it, and gone with the last", async () => {
    await create("fast", "type=tmpfs", "device=tmpfs", "o=size=1m,uid=7,noexec");
    const sleeper = (name: string) =>
      engine.docker("run", "-d", "--name", name, "-v", "fast:/d", "busybox", "sleep", "600");
    await Promise.all(["f1", "f2", "f3"].map(sleeper));
    assert.equal(mounts("fast").length, 1);
    await engine.docker("exec", "f1", "sh", "-c", "echo shared >/d/x");
    assert.equal(await engine.docker("exec", "f2", "cat", "/d/x"), "shared");
    assert.match(
      await engine.docker("exec", "f3", "grep", " /d ", "/proc/mounts"),
      /noexec.*size=1024k,uid=7/,
    );
    await engine.docker("rm", "-f", "f1", "f2");
    assert.equal(await engine.docker("exec", "f3", "cat", "/d/x"), "shared");
    await engine.kill();
    await engine.restart();
    assert.equal(await engine.docker("exec", "f3", "cat", "/d/x"), "shared");
    await engine.docker("rm", "-f", "f3");
    await until(async () => mounts("fast").length === 0);
    assert.ok(mounts("fast").length === 0);
    assert.equal(await inside("fast", "ls /d"), "");
    await engine.docker("volume", "rm", "fast");
  });

  test("what a crash left mounted for nobody is unmounted", async () => {
    await create("left", "type=tmpfs", "device=tmpfs");
    const id = await engine.docker("run", "-d", "-v", "left:/d", "busybox", "sleep", "600");
    const pid = await engine.docker("inspect", "-f", "{{.State.Pid}}", id);
    await engine.kill();
    process.kill(Number(pid), "SIGKILL");
    assert.equal(mounts("left").length, 1);
    await engine.restart();
    await until(async () => mounts("left").length === 0);
    assert.ok(mounts("left").length === 0);
    await engine.docker("rm", id);
    await engine.docker("volume", "rm", "left");
  });

  test("a directory of the host, read-only if that was asked for", async () => {
    const directory = join(engine.dir, "mine");
    mkdirSync(directory);
    writeFileSync(join(directory, "file"), "content");
    await create("bound", "type=none", `device=${directory}`, "o=bind,ro");
    assert.equal(
      await inside("bound", "cat /d/file; touch /d/x 2>&1 | grep -o Read-only"),
      "contentRead-only",
    );
    await create("open", "type=none", `device=${directory}`, "o=bind");
    await inside("open", "touch /d/x");
    await engine.docker("volume", "rm", "bound", "open");
    assert.equal(existsSync(join(directory, "x")), true);
  });

  test("a file system of a block device", async () => {
    await using undo = new AsyncDisposableStack();
    const file = join(engine.dir, "disk");
    await must(["truncate", "-s", "8m", file]);
    await must(["mkfs.ext4", "-q", file]);
    const device = (await must(["losetup", "--find", "--show", file])).trim();
    undo.defer(() => must(["losetup", "-d", device]).then(() => undefined));
    await create("disk", "type=ext4", `device=${device}`);
    await inside("disk", "echo kept >/d/x");
    assert.match(await inside("disk", "cat /d/x; ls /d"), /^kept\nlost\+found\nx$/);
    await until(async () => mounts("disk").length === 0); // soon after the answer
    assert.ok(mounts("disk").length === 0);
    await engine.docker("volume", "rm", "disk");
  });

  test("a server of files is looked up by name, and a failure tells what was tried", async () => {
    await create("nas", "type=nfs", "device=:/export", "o=addr=no-such-host.invalid,ro");
    const lookUp = await engine.tryDocker(["run", "--rm", "-v", "nas:/d", "busybox", "true"]);
    assert.match(
      lookUp.stderr,
      /error while mounting volume '.*\/nas\/_data': error resolving passed in network volume address: /,
    );
    await create("share", "type=cifs", "device=//localhost/x", "o=username=u,password=secret");
    const failed = await engine.tryDocker(["run", "--rm", "-v", "share:/d", "busybox", "true"]);
    assert.match(
      failed.stderr,
      /failed to mount local volume: mount \/\/localhost\/x:.*, data: username=u,password=\*{8}: /,
    );
    assert.doesNotMatch(failed.stderr, /secret/);
    assert.equal(await engine.docker("ps", "-aq"), "");
    await engine.docker("volume", "rm", "nas", "share");
  });

  test("owner and mode of a volume's directory stay as asked for, whatever an image has there", async () => {
    await create("owned", "uid=12", "gid=34", "mode=2750");
    assert.equal(
      await engine.docker("run", "--rm", "-v", "owned:/bin:ro", "busybox", "stat", "-c", "%u %g %a", "/bin"),
      "12 34 2750",
    );
    await engine.docker("volume", "rm", "owned");
  });

  for (const [options, message] of [
    [["uid=-1"], 'invalid value for option "uid": "-1"'],
    [["mode=rwx"], 'invalid value for option "mode": "rwx"'],
    [["uid=1", "type=tmpfs", "device=x"], 'option "uid" is for volumes without a device'],
    [["size=huge"], "invalid size: 'huge'"],
    [["size=1m"], "quota size requested but no quota support"],
    [["type=cifs", "device=//h:1/x"], "port not allowed in CIFS device URL, include 'port' in 'o='"],
  ] as const)
    test(`${options.join(" ")} is refused, and nothing is left`, async () => {
      const { code, stderr } = await create("bad", ...options);
      assert.equal(code, 1);
      assert.equal(stderr, `Error response from daemon: create bad: ${message}\n`);
      assert.equal(existsSync(join(engine.dir, "root/volumes/bad")), false);
      assert.equal(await engine.docker("volume", "ls", "-q"), "");
    });

  test("cp reads and writes the part of a volume that a container has", async () => {
    await inside("parts", "mkdir -p /d/a/b; echo inner >/d/a/b/f; ln -s / /d/out");
    const part = (path: string) => `type=volume,src=parts,dst=/m,volume-subpath=${path}`;
    await engine.docker("create", "--name", "partial", "--mount", part("a/b"), "busybox", "true");
    const { stdout } = await engine.tryDocker(["cp", "partial:/m/f", "-"]);
    assert.match(stdout, /inner/);
    await engine.tryDocker(["cp", "-", "partial:/m"], { input: await tarOf("new") });
    assert.equal(await inside("parts", "ls /d/a/b"), "f\nnew");
    await engine.docker("rm", "partial");
    await engine.docker("volume", "rm", "parts");
  });

  const tarOf = async (name: string): Promise<string> => {
    writeFileSync(join(engine.dir, name), "");
    return await must(["tar", "-C", engine.dir, "-c", name]);
  };

  test("prune and system df leave volumes with options alone", async () => {
    await create("kept", "mode=0700");
    await create("free");
    await engine.docker("volume", "prune", "-f", "-a");
    assert.equal(await engine.docker("volume", "ls", "-q"), "kept");
    assert.match(
      await engine.docker("system", "df", "--format", "{{.Type}} {{.TotalCount}}"),
      /Local Volumes 0/,
    );
    await engine.docker("volume", "rm", "kept");
  });
});

test("a volume's size is kept to where the file system has quotas of projects", { skip }, async (t) => {
  await using engine = await startEngine();
  await using undo = new AsyncDisposableStack();
  const [file, root] = [join(engine.dir, "disk"), join(engine.dir, "limited")];
  await must(["truncate", "-s", "128m", file]);
  await must(["mkfs.ext4", "-q", "-O", "quota,project", "-E", "quotatype=prjquota", file]);
  mkdirSync(root);
  const mounted = await runProgram(["mount", "-o", "loop,prjquota", file, root]);
  if (mounted.code !== 0) return t.skip(`no such file system here: ${mounted.stderr}`);
  undo.defer(() => must(["umount", root]).then(() => undefined));
  await using limited = await startEngine({ config: { "data-root": root } });
  await importBusybox(limited);
  await limited.docker("volume", "create", "-o", "size=2m", "small");
  const script =
    "dd if=/dev/zero of=/d/x bs=64k count=64 2>&1 | grep -o 'Disk quota\\|No space' ; df -k /d | awk 'END { print $2 }'";
  const out = await limited.docker("run", "--rm", "-v", "small:/d", "busybox", "sh", "-c", script);
  assert.match(out, /^(Disk quota|No space)\n2048$/);
  assert.ok(statSync(join(root, "volumes/small/_data/x")).size <= 2 << 20);
  await limited.docker(
    "run",
    "--rm",
    "-v",
    "free:/d",
    "busybox",
    "dd",
    "if=/dev/zero",
    "of=/d/x",
    "bs=64k",
    "count=64",
  );
  await limited.docker("volume", "rm", "small", "free");
  await limited.docker("volume", "create", "-o", "size=8m", "small");
  assert.equal(
    await limited.docker(
      "run",
      "--rm",
      "-v",
      "small:/d",
      "busybox",
      "sh",
      "-c",
      "df -k /d | awk 'END { print $2 }'",
    ),
    "8192",
  );
  await limited.docker("volume", "rm", "small");
});
