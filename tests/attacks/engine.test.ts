// The rows of the record that are about the engine and its API: hostile users' files, image configurations and requests, and what would
// make it grow without bound.

import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { type Api, openApi } from "../system/api.ts";
import { type Engine, startEngine } from "../system/engine.ts";
import { importBusybox } from "../system/images.ts";
import { must, run } from "../system/process.ts";
import { until } from "../system/until.ts";

const skip = process.getuid?.() !== 0 && "needs root";

let engine: Engine;
let api: Api;
before(async () => {
  if (skip) return;
  engine = await startEngine();
  await importBusybox(engine);
  api = openApi(engine.socket);
});
after(async () => {
  api?.[Symbol.dispose]();
  await engine?.[Symbol.asyncDispose]();
});

const docker: Engine["docker"] = (...args) => engine.docker(...args);
const tryDocker = (...args: readonly string[]) => engine.tryDocker(args);

/** KiB that the daemon alone has resident. */
const memory = (): number =>
  Number(
    /^Private_Dirty: +(\d+)/m.exec(readFileSync(`/proc/${engine.daemon.pid}/smaps_rollup`, "utf8"))?.[1],
  );
const descriptors = (): number => readdirSync(`/proc/${engine.daemon.pid}/fd`).length;

const MEBIBYTE = 1024;

const hostileFiles: Readonly<Record<string, string>> = {
  "1 GiB in one line": "truncate -s 1G /etc/$f",
  "50 MB of short lines": "yes a:x:1:1 | head -c 50000000 >/etc/$f",
  "a FIFO": "rm -f /etc/$f; mkfifo /etc/$f",
  "a device": "rm -f /etc/$f; mknod /etc/$f c 1 5",
  "a symlink to /dev/zero": "rm -f /etc/$f; ln -s /dev/zero /etc/$f",
  "a symlink out of the root": "rm -f /etc/$f; ln -s ../../../../../etc/$f /etc/$f",
};

/** A quarter of the largest file. Less says nothing: a daemon that has just begun grows by as much as it warms up. */
const BOUND = 256 * MEBIBYTE;

/** What was there before comes first. */
const keepsLines = /truncate/;

for (const [what, script] of Object.entries(hostileFiles))
  test(`CVE-2026-47262: passwd and group are ${what}: an exec, a start and a create answer, and the daemon does not grow`, {
    skip,
  }, async () => {
    const made = ["passwd", "group"].map((file) => script.replaceAll("$f", file)).join("; ");
    const id = await docker("run", "-d", "-u", "www", "--stop-signal", "KILL", "busybox", "sleep", "999");
    await docker("exec", "-u", "0", id, "sh", "-c", made);
    const before = memory();
    for (const user of ["nosuch", "0:nosuch"])
      assert.notEqual((await tryDocker("exec", "-u", user, id, "true")).code, 0, user);
    await docker("stop", id);
    const started = await tryDocker("start", id);
    assert.ok(started.code !== 0 || keepsLines.test(made), "www is not among them any more");
    assert.ok(memory() - before < BOUND, `grew by ${memory() - before} KiB`);
    await docker("rm", "-f", id);
  });

test("CVE-2024-40635: users and groups out of range are refused, in create, exec and images", {
  skip,
}, async () => {
  await using _gone = { [Symbol.asyncDispose]: async () => void (await docker("rm", "-f", "box")) };
  await docker("run", "-d", "--name", "box", "busybox", "sleep", "999");
  for (const user of [
    "4294967296",
    "2147483648",
    "4294967295",
    "-1",
    "0:-1",
    "0:4294967296",
    "1:2147483648",
    "0x0",
    "1e3",
    "65536.0",
    "99999999999999999999",
  ]) {
    for (const command of [
      ["run", "--rm", "-u", user, "busybox"],
      ["exec", "-u", user, "box"],
    ]) {
      const { code, stdout } = await tryDocker(...command, "id", "-u");
      assert.notEqual(code, 0, `${command.join(" ")}: ${stdout}`);
    }
    await docker("commit", "-c", `USER ${user}`, "box", "user:1");
    const { code, stdout } = await tryDocker("run", "--rm", "user:1", "id", "-u");
    assert.notEqual(code, 0, `USER ${user}: ${stdout}`);
    await docker("rmi", "-f", "user:1");
  }
  assert.notEqual((await tryDocker("run", "--rm", "--group-add", "4294967296", "busybox", "true")).code, 0);
});

/** An archive of `docker save` with one image of no layers but busybox's, whose configuration is as given. */
async function loadImage(change: (config: Record<string, unknown>) => void, name: string): Promise<void> {
  const dir = mkdtempSync(join(tmpdir(), "gantry-image-"));
  try {
    await docker("save", "-o", join(dir, "saved.tar"), "busybox");
    mkdirSync(join(dir, "image"));
    await must(["tar", "-C", join(dir, "image"), "-xf", join(dir, "saved.tar")]);
    const [manifest] = JSON.parse(readFileSync(join(dir, "image/manifest.json"), "utf8"));
    const config = JSON.parse(readFileSync(join(dir, "image", manifest.Config), "utf8"));
    change(config);
    const text = JSON.stringify(config);
    const file = `${createHash("sha256").update(text).digest("hex")}.json`;
    for (const extra of ["index.json", "oci-layout"]) rmSync(join(dir, "image", extra), { force: true });
    writeFileSync(join(dir, "image", file), text);
    const entry = { Config: file, RepoTags: [name], Layers: manifest.Layers };
    writeFileSync(join(dir, "image/manifest.json"), JSON.stringify([entry]));
    await must(["tar", "-C", join(dir, "image"), "-cf", join(dir, "made.tar"), "."]);
    await docker("load", "-i", join(dir, "made.tar"));
  } finally {
    rmSync(dir, { recursive: true });
  }
}

test("CVE-2014-6408, 2026-94603: nothing in an image's configuration changes the confinement of a container", {
  skip,
}, async () => {
  const wishes = {
    Privileged: true,
    CapAdd: ["ALL"],
    SecurityOpt: ["seccomp=unconfined", "systempaths=unconfined"],
    Binds: ["/:/host"],
    NetworkMode: "host",
    PidMode: "host",
    IpcMode: "host",
    UsernsMode: "host",
    Devices: [{ PathOnHost: "/dev/mem", PathInContainer: "/dev/mem", CgroupPermissions: "rwm" }],
    Runtime: "chroot",
    ReadonlyPaths: [],
    MaskedPaths: [],
    CgroupParent: "/",
  };
  await loadImage((config) => {
    Object.assign(config, { HostConfig: wishes, host_config: wishes, linux: wishes, ...wishes });
    Object.assign(Object(config.config), {
      HostConfig: wishes,
      MacAddress: "02:00:00:00:00:01",
      NetworkDisabled: false,
      ...wishes,
    });
    config.container_config = { HostConfig: wishes, ...wishes };
  }, "wishes:1");
  const look =
    "grep -E 'Cap|Seccomp|NoNewPrivs' /proc/self/status; cut -d' ' -f5,6 /proc/self/mountinfo | grep -v '^/etc'; ls /; ls /dev; set -- /proc/[0-9]*; echo $#; ls /sys/class/net";
  const seen = (image: string) => docker("run", "--rm", image, "sh", "-c", look);
  assert.equal(await seen("wishes:1"), await seen("busybox"));
  const id = await docker("create", "wishes:1");
  const other = await docker("create", "busybox", "sh");
  const hostConfigOf = async (of: string) =>
    JSON.parse(await docker("inspect", "-f", "{{json .HostConfig}}", of));
  assert.deepEqual(await hostConfigOf(id), await hostConfigOf(other));
  await docker("rm", id, other);
});

test("CVE-2018-20699: a list of processors without end is refused before it is counted", {
  skip,
}, async () => {
  const before = memory();
  for (const field of ["CpusetCpus", "CpusetMems"])
    for (const list of [
      "0-2147483647",
      "0-4294967295",
      "0-99999999999999999999",
      "2147483647",
      Array(200_000).fill("0").join(","),
    ]) {
      const { status, body } = await api.send("POST", "/containers/create", {
        Image: "busybox",
        HostConfig: { [field]: list },
      });
      assert.ok(
        status === 400 || list.startsWith("0,"),
        `${field} ${list.slice(0, 40)}: ${status} ${body.toString().slice(0, 200)}`,
      );
      if (status === 201) await docker("rm", JSON.parse(body.toString()).Id);
    }
  assert.ok(memory() - before < BOUND);
});

test("CVE-2020-14370, 2021-21334: 200 containers made at once each have their own environment", {
  skip,
}, async () => {
  const numbers = Array.from({ length: 200 }, (_, number) => number);
  const made = await Promise.all(
    numbers.map(async (number) => {
      const Env = [`OWN=${number}`, `ONLY${number}=x`];
      const body = {
        Image: "busybox",
        Cmd: ["env"],
        Env,
        Labels: { own: `${number}` },
        Hostname: `host${number}`,
      };
      return Object(await api.ask("POST", "/containers/create", body)).Id;
    }),
  );
  for (const number of numbers) {
    const { Config } = Object(await api.ask("GET", `/containers/${made[number]}/json`));
    assert.deepEqual(
      Config.Env.filter((variable: string) => /^O(WN|NLY)/.test(variable)),
      [`OWN=${number}`, `ONLY${number}=x`],
    );
    assert.deepEqual([Config.Labels, Config.Hostname], [{ own: `${number}` }, `host${number}`]);
  }
  for (const number of [0, 99, 199]) {
    const output = await docker("start", "-a", made[number]);
    assert.match(output, new RegExp(`^OWN=${number}$`, "m"));
    assert.equal(output.match(/^ONLY\d+=/gm)?.length, 1);
  }
  await Promise.all(made.map((id) => api.ask("DELETE", `/containers/${id}`)));
});

const nested = (depth: number, open: string, close: string): string =>
  open.repeat(depth) + close.repeat(depth);

const malformed: Readonly<Record<string, string>> = {
  "an open brace": "{",
  "a number": "17",
  "a list": "[]",
  "a string": '"x"',
  "two documents": '{"Image":"busybox"}{"Image":"busybox"}',
  "a wrong type": '{"Image":"busybox","Cmd":{"a":1}}',
  "a wrong type deep inside": '{"Image":"busybox","HostConfig":{"Memory":"much"}}',
  "a list instead of an object": '{"Image":"busybox","HostConfig":[]}',
  "100,000 lists in each other": nested(100_000, "[", "]"),
  "100,000 objects in each other": `${'{"HostConfig":'.repeat(100_000)}{}${"}".repeat(100_000)}`,
  "2,000,000 lists that are not closed": "[".repeat(2_000_000),
  "a number beyond all bounds": '{"Image":"busybox","HostConfig":{"Memory":1e400}}',
  "a byte that is no UTF-8 within a name": '{"Image":"\u0000"}',
  "a control character": '{"Image":"a\nb"}',
};

for (const [what, body] of Object.entries(malformed))
  test(`a body that is ${what} is a 400, on each route that takes one`, { skip }, async () => {
    for (const path of [
      "/containers/create",
      "/containers/nosuch/exec",
      "/volumes/create",
      "/v1.24/containers/create",
      "/containers/nosuch/update",
      "/commit?container=nosuch",
    ]) {
      const { stdout } = await run(
        [
          "curl",
          "-s",
          "-o",
          "/dev/null",
          "-w",
          "%{http_code}",
          "--unix-socket",
          engine.socket,
          "-H",
          "Content-Type: application/json",
          "--data-binary",
          "@-",
          `http://d${path}`,
        ],
        { input: body },
      );
      const isFineThere = path.includes("volumes") && stdout === "201"; // fields of others are nothing to it
      assert.ok(/^4\d\d$/.test(stdout) || isFineThere, `${path}: ${stdout}`);
    }
    assert.equal((await api.send("GET", "/_ping")).status, 200);
  });

test("CVE-2022-31030: a health check that prints without end costs no memory", { skip }, async () => {
  const flood = "yes 0123456789012345678901234567890123456789 | head -c 300000000";
  const before = memory();
  const id = await docker(
    "run",
    "-d",
    "--health-cmd",
    flood,
    "--health-interval",
    "1s",
    "--stop-signal",
    "KILL",
    "busybox",
    "sleep",
    "999",
  );
  const log = async () => JSON.parse(await docker("inspect", "-f", "{{json .State.Health.Log}}", id));
  while ((await log()).length < 2);
  const [first] = await log();
  assert.equal(first.ExitCode, 0);
  assert.ok(first.Output.length <= 4099, `${first.Output.length} bytes are kept`);
  assert.ok(memory() - before < 128 * MEBIBYTE, `grew by ${memory() - before} KiB`);
  await docker("rm", "-f", id);
});

test("CVE-2022-23471, 2025-64329: attaching and detaching, and execs with a terminal that fail, leave nothing", {
  skip,
}, async () => {
  const id = await docker("run", "-dit", "--stop-signal", "KILL", "busybox", "sleep", "999");
  const attach = async (): Promise<void> => {
    const text = await run([
      "curl",
      "-s",
      "--max-time",
      "0.2",
      "--unix-socket",
      engine.socket,
      "-X",
      "POST",
      `http://d/containers/${id}/attach?stream=1&stdout=1`,
    ]);
    assert.equal(text.code, 28);
  };
  const fail = async (): Promise<void> => {
    const { Id } = Object(
      await api.ask("POST", `/containers/${id}/exec`, { Cmd: ["nosuch"], Tty: true, AttachStdout: true }),
    );
    await api.send("POST", `/exec/${Id}/start`, { Tty: true });
  };
  const many = async (times: number): Promise<void> => {
    for (let left = times; left > 0; left -= 10) await Promise.all(Array.from({ length: 10 }, fail));
    for (let left = times; left > 0; left -= 20) await Promise.all(Array.from({ length: 20 }, attach));
  };
  await many(200);
  const before = { memory: memory(), descriptors: descriptors() };
  await many(1000);
  await until(() => descriptors() <= before.descriptors);
  assert.ok(
    descriptors() <= before.descriptors,
    `${before.descriptors} descriptors before, ${descriptors()} after`,
  );
  assert.ok(memory() - before.memory < 24 * MEBIBYTE, `grew by ${memory() - before.memory} KiB`);
  await docker("rm", "-f", id);
});
