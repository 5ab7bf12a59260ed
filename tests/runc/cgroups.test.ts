// Limits through gantry-runc beside the real runc: the same files get the same values, the same wishes are refused.

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { cpSync, existsSync, mkdtempSync, readFileSync, renameSync, rmdirSync, writeFileSync } from "node:fs";
import { rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { test } from "node:test";
import { makeBusyboxRoot } from "../system/images.ts";
import { endResidents } from "./runc-bundle.ts";

const hasPeer = /^runc version 1\.1\./.test(
  spawnSync("runc", ["--version"], { encoding: "utf8" }).stdout ?? "",
);
const skip = process.getuid?.() === 0 && hasPeer ? false : "needs root and runc 1.1";
const programs = { ours: join(import.meta.dirname, "../../bin/gantry-runc"), theirs: "runc" } as const;
type Side = keyof typeof programs;
const sides: readonly Side[] = ["ours", "theirs"];
const unified = existsSync("/sys/fs/cgroup/cgroup.controllers");

interface Bundle extends AsyncDisposable {
  readonly path: string;
  run(side: Side, ...words: readonly string[]): { readonly code: number | null; readonly stderr: string };
  /** Content of a cgroup file of the side's container. */
  read(side: Side, controller: string, file: string): string;
  write(side: Side, resources: unknown, args: readonly string[]): void;
}

async function makeBundle(): Promise<Bundle> {
  const path = mkdtempSync(join(tmpdir(), "gantry-limits-"));
  await using root = await makeBusyboxRoot();
  renameSync(root.path, join(path, "rootfs"));
  assert.equal(spawnSync("runc", ["spec"], { cwd: path }).status, 0);
  const config = JSON.parse(readFileSync(join(path, "config.json"), "utf8"));
  const nameOf = (side: Side): string => `${basename(path)}-${side}`;
  return {
    path,
    write: (side, resources, args) => {
      config.process = { ...config.process, terminal: false, args };
      config.linux = { ...config.linux, cgroupsPath: `/${nameOf(side)}`, resources };
      writeFileSync(join(path, "config.json"), JSON.stringify(config));
    },
    run: (side, verb = "", ...words) => {
      const result = spawnSync(programs[side], ["--root", join(path, side), verb, ...words, nameOf(side)], {
        cwd: path,
        env: { ...process.env, GANTRY_RUNC_SOCKETS: path },
        stdio: ["ignore", "ignore", words.includes("--detach") ? "ignore" : "pipe"],
        encoding: "utf8",
        timeout: 120_000,
      });
      return { code: result.status, stderr: result.stderr ?? "" };
    },
    read: (side, controller, file) =>
      readFileSync(join("/sys/fs/cgroup", unified ? "" : controller, nameOf(side), file), "utf8").trim(),
    [Symbol.asyncDispose]: async () => {
      for (const side of sides)
        spawnSync(programs[side], ["--root", join(path, side), "delete", "--force", nameOf(side)], {
          env: { ...process.env, GANTRY_RUNC_SOCKETS: path },
        });
      await endResidents(path);
      const left = join("/sys/fs/cgroup/unified", nameOf("theirs"));
      if (existsSync(left)) rmdirSync(left);
      await rm(path, { recursive: true, force: true });
    },
  };
}

const deny = { allow: false, access: "rwm" };

/** A wish and the files that it changes. */
const accepted: Readonly<
  Record<string, readonly [wish: object, files: Readonly<Record<string, readonly string[]>>]>
> = unified
  ? {
      memory: [
        { memory: { limit: 67_108_864, swap: 100_663_296, reservation: 33_554_432 } },
        { memory: ["memory.max", "memory.swap.max", "memory.low"] },
      ],
      // Not cpu.weight: shares become the weight that runc gives since 1.3.2; see tests/system/cgroups.test.ts.
      cpu: [{ cpu: { shares: 512, quota: 30_000, period: 60_000 } }, { cpu: ["cpu.max"] }],
      pids: [{ pids: { limit: 20 } }, { pids: ["pids.max"] }],
      unified: [{ unified: { "memory.high": "50331648" } }, { memory: ["memory.high"] }],
    }
  : {
      memory: [
        { memory: { limit: 67_108_864, swap: 100_663_296, reservation: 33_554_432, swappiness: 7 } },
        {
          memory: [
            "memory.limit_in_bytes",
            "memory.memsw.limit_in_bytes",
            "memory.soft_limit_in_bytes",
            "memory.swappiness",
          ],
        },
      ],
      "memory without a limit": [
        { memory: { limit: -1, disableOOMKiller: true } },
        { memory: ["memory.limit_in_bytes", "memory.memsw.limit_in_bytes", "memory.oom_control"] },
      ],
      cpu: [
        { cpu: { shares: 512, quota: 30_000, period: 60_000, burst: 5000, cpus: "0", mems: "0" } },
        {
          cpu: ["cpu.shares", "cpu.cfs_quota_us", "cpu.cfs_period_us"],
          cpuset: ["cpuset.cpus", "cpuset.mems"],
        },
      ],
      pids: [{ pids: { limit: 20 } }, { pids: ["pids.max"] }],
      devices: [
        {
          devices: [
            deny,
            { allow: true, type: "c", major: 10, minor: 201, access: "rw" },
            { allow: true, type: "b", major: 8, access: "r" },
          ],
        },
        { devices: ["devices.list"] },
      ],
    };

/** Of a list in any order. */
const sorted = (text: string): readonly string[] => text.split("\n").sort();

for (const [name, [wish, files]] of Object.entries(accepted))
  test(`limits of a new container: ${name}`, { skip }, async () => {
    await using bundle = await makeBundle();
    for (const side of sides) {
      bundle.write(side, { devices: [deny], ...wish }, ["sleep", "1000"]);
      assert.equal(bundle.run(side, "run", "--detach").code, 0, side);
    }
    for (const [controller, names] of Object.entries(files))
      for (const file of names)
        assert.deepEqual(
          sorted(bundle.read("ours", controller, file)),
          sorted(bundle.read("theirs", controller, file)),
          file,
        );
  });

/** A wish and the words in which both refuse it. */
const refused: readonly (readonly [wish: object, words: RegExp])[] = [
  [{ devices: [{ allow: false }] }, /device access at 0 field cannot be empty/],
  [{ devices: [{ allow: true, type: "p", access: "rwm" }] }, /invalid cgroup device type .?"p/],
  ...(unified
    ? ([
        [{ memory: { limit: 67_108_864, swap: 100 } }, /memory\+swap limit should be >= memory limit/],
        [{ unified: { "a/b": "1" } }, /must be a file name \(no slashes\)/],
        [{ unified: { "none.max": "1" } }, /none.max.*can't be set: controller .*none.* not available/],
      ] as const)
    : ([
        [{ unified: { "memory.high": "1" } }, /invalid configuration: cannot use unified on cgroup v1/],
        [{ memory: { swappiness: 101 } }, /invalid memory swappiness value: 101 \(valid range is 0-100\)/],
        [{ cpu: { shares: 1 } }, /the minimum allowed cpu-shares is 2/],
        [{ cpu: { shares: 1_000_000 } }, /the maximum allowed cpu-shares is 262144/],
        [{ memory: { limit: 67_108_864, swap: 4096 } }, /memory.memsw.limit_in_bytes.*(EINVAL|invalid)/],
        [{ cpu: { cpus: "4000" } }, /cpuset.cpus.*(ERANGE|EINVAL|out of range|invalid)/],
        [{ cpu: { realtimeRuntime: 5_000_000 } }, /cpu.rt_runtime_us.*(EINVAL|invalid)/],
        [{ rdma: { none: { hcaHandles: 1 } } }, /cannot set rdma limit: container could not join or create/],
        [
          { blockIO: { throttleReadBpsDevice: [{ major: 4000, minor: 0, rate: 1 }] } },
          /blkio.throttle.read_bps_device.*(ENODEV|no such device)/,
        ],
      ] as const)),
];

for (const [wish, words] of refused)
  test(`both refuse ${JSON.stringify(wish)}`, { skip }, async () => {
    await using bundle = await makeBundle();
    for (const side of sides) {
      bundle.write(side, { devices: [deny], ...wish }, ["true"]);
      const { code, stderr } = bundle.run(side, "run");
      assert.match(stderr, words, side);
      assert.equal(code, 1, side);
    }
  });

test("an update changes what is given, or nothing", { skip }, async () => {
  await using bundle = await makeBundle();
  bundle.write("ours", { devices: [deny], pids: { limit: 20 }, cpu: { quota: 30_000 } }, ["sleep", "1000"]);
  assert.equal(bundle.run("ours", "run", "--detach").code, 0);
  assert.equal(bundle.run("ours", "update", "--cpu-period", "60000").code, 0);
  const time = unified ? ["cpu.max"] : ["cpu.cfs_quota_us", "cpu.cfs_period_us"];
  assert.equal(time.map((file) => bundle.read("ours", "cpu", file)).join(" "), "30000 60000");
  assert.equal(bundle.read("ours", "pids", "pids.max"), "20");
  const { code } = bundle.run(
    "ours",
    "update",
    "--memory",
    "67108864",
    "--pids-limit",
    "9",
    "--cpuset-cpus",
    "4000",
  );
  assert.equal(code, 1);
  assert.equal(bundle.read("ours", "pids", "pids.max"), "20");
});

test("a limit that the container's own start does not fit in is told", { skip }, async () => {
  await using bundle = await makeBundle();
  bundle.write("ours", { devices: [deny], memory: { limit: 4096 } }, ["true"]);
  assert.match(bundle.run("ours", "run").stderr, /container init was OOM-killed \(memory limit too low\?\)/);
});

test("a user without rights has no cgroup, and no limits", { skip }, async () => {
  await using bundle = await makeBundle();
  const config = join(bundle.path, "config.json");
  const home = join(bundle.path, "home");
  cpSync(join(bundle.path, "rootfs"), join(home, "rootfs"), { recursive: true, verbatimSymlinks: true });
  rmSpec(config);
  assert.equal(spawnSync("runc", ["spec", "--rootless"], { cwd: bundle.path }).status, 0);
  const spec = JSON.parse(readFileSync(config, "utf8"));
  const ids = (id: number) => [{ containerID: 0, hostID: id, size: 1 }];
  const [uid, gid] = [1234, 1234];
  const run = (linux: object) => {
    const process = { ...spec.process, terminal: false, args: ["true"] };
    const own = { ...spec.linux, uidMappings: ids(uid), gidMappings: ids(gid), ...linux };
    writeFileSync(join(home, "config.json"), JSON.stringify({ ...spec, process, linux: own }));
    spawnSync("chown", ["-R", `${uid}:${gid}`, home]);
    spawnSync("chmod", ["0755", bundle.path, home]);
    const words = ["--root", join(home, "states"), "run", "x"];
    const env = { PATH: "/usr/sbin:/usr/bin:/sbin:/bin", XDG_RUNTIME_DIR: home, GANTRY_RUNC_LINGER: "1" };
    return spawnSync(programs.ours, words, { cwd: home, uid, gid, env, encoding: "utf8", timeout: 120_000 });
  };
  assert.deepEqual([run({}).status, run({}).stderr], [0, ""]);
  assert.match(
    run({ resources: { pids: { limit: 5 } } }).stderr,
    /cannot set pids limit: container could not join or create cgroup|rootless needs no limits/,
  );
  assert.match(run({ cgroupsPath: "/gantry-none/x" }).stderr, /EACCES|EROFS|permission denied/);
});

function rmSpec(path: string): void {
  renameSync(path, `${path}.old`);
}
