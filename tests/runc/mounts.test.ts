// The same bundle under gantry-runc and the real runc: the container's mounts and devices are the same.

import assert from "node:assert/strict";
import { execFileSync, spawnSync } from "node:child_process";
import { chownSync, mkdirSync, rmdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { mountTree } from "../libcontainer/mounted.ts";
import { type BundleOptions, type Config, makeBundle, program } from "./runc-bundle.ts";

const hasPeer = /^runc version 1\.1\./.test(
  spawnSync("runc", ["--version"], { encoding: "utf8" }).stdout ?? "",
);
const skip = process.getuid?.() === 0 ? false : "needs root";
const skipPeer = skip || (!hasPeer && "needs runc 1.1");

/** Mounts without numbers that differ from container to container, then what else is to be compared. */
const script = [
  "sed 's/^[0-9]* [0-9]* [0-9:]* //; s/\\(master\\|shared\\):[0-9]*/\\1/' /proc/self/mountinfo",
  "ls -ln /dev | sed 's/ [A-Z][a-z][a-z] .*:[0-9]* / /'",
  "stat -c '%n %a %u:%g' /copied /copied/deep /tmpfs /bound",
  "touch /bound/x /tmpfs/x",
  "echo end",
].join("; ");

/** runc leaves the tmpfs above the hierarchies of version 1 writable; ours is as the specification says. */
const comparable = (text: string): readonly string[] =>
  text.split("\n").map((line) => line.replace(/^(\/ \/sys\/fs\/cgroup) r[ow],/, "$1 "));

const bundle = (change: (config: Config) => void): BundleOptions => ({
  args: ["sh", "-c", script],
  change: (config) => {
    config.linux = { ...config.linux, maskedPaths: [] };
    config.process = { ...config.process, env: ["PATH=/bin"] };
    change(config);
  },
});

const mounts = [
  { destination: "/copied", type: "tmpfs", source: "tmpfs", options: ["tmpcopyup", "size=1m"] },
  { destination: "/tmpfs", type: "tmpfs", source: "tmpfs", options: ["ro", "nosuid", "size=2m"] },
  { destination: "/bound", source: "tree", options: ["rbind", "rro", "nosuid", "noatime"] },
  { destination: "/private", source: "tree", options: ["bind", "private", "noexec"] },
  { destination: "/shared", source: "tree", options: ["rbind", "rshared"] },
  { destination: "/unbindable", source: "tree", options: ["bind", "unbindable", "nodiratime"] },
  { destination: "relative", source: "tree", options: ["bind", "ro"] },
];

/** A tmpfs on a directory that is there has its mode, so the next run must not find that of the last. */
const forgetPlace = (path: string): void => rmdirSync(join(path, "rootfs/tmpfs"));

test("mounts with every kind of option", { skip: skipPeer }, async () => {
  await using made = await makeBundle(
    bundle((config) => {
      config.mounts = [...config.mounts, ...mounts];
      const devices = [
        { path: "/dev/fuse", type: "c", major: 10, minor: 229, fileMode: 0o660, uid: 1, gid: 2 },
      ];
      config.linux = { ...config.linux, devices };
    }),
  );
  using _tree = mountTree(join(made.path, "tree"), "rw", "shared");
  mkdirSync(join(made.path, "rootfs/copied/deep"), { recursive: true });
  const ours = made.run(["run", made.id]);
  forgetPlace(made.path);
  const theirs = spawnSync("runc", ["--root", join(made.path, "theirs"), "run", made.id], {
    cwd: made.path,
    encoding: "utf8",
  });
  assert.match(ours.stdout, /\nend\n$/, ours.stderr);
  assert.deepEqual(comparable(ours.stdout), comparable(theirs.stdout));
  assert.deepEqual([...ours.stderr.matchAll(/\S+: Read-only file system/g)].map(String), [
    "/bound/x: Read-only file system",
    "/tmpfs/x: Read-only file system",
  ]);
});

test("--no-pivot: the same mounts, without pivot_root", { skip }, async () => {
  await using made = await makeBundle(
    bundle((config) => {
      config.mounts = [...config.mounts, ...mounts.slice(1, 4)];
    }),
  );
  using _tree = mountTree(join(made.path, "tree"));
  mkdirSync(join(made.path, "rootfs/copied/deep"), { recursive: true });
  const pivoted = made.run(["run", made.id]);
  assert.match(pivoted.stdout, /\nend\n$/, pivoted.stderr);
  forgetPlace(made.path);
  assert.equal(made.run(["run", "--no-pivot", made.id]).stdout, pivoted.stdout);
});

test("rootless: flags of a source that the kernel has locked stay, and are not to be taken away", {
  skip: skipPeer,
}, async () => {
  const uid = 12_345;
  const wishes = { stay: ["rbind", "noexec"], all: ["rbind"], taken: ["rbind", "suid"] };
  for (const [name, options] of Object.entries(wishes)) {
    await using made = await makeBundle({ args: ["sh", "-c", "grep ' /bound ' /proc/self/mountinfo"] });
    using _tree = mountTree(join(made.path, "tree"), "nosuid,nodev,ro");
    execFileSync("rm", [join(made.path, "config.json")]);
    assert.equal(made.run(["spec", "--rootless"]).code, 0);
    const path = join(made.path, "config.json");
    const config = JSON.parse(execFileSync("cat", [path], { encoding: "utf8" }));
    const ids = [{ containerID: 0, hostID: uid, size: 1 }];
    config.process = {
      ...config.process,
      terminal: false,
      env: ["PATH=/bin"],
      args: ["sh", "-c", "grep ' /bound ' /proc/self/mountinfo"],
    };
    config.linux = { ...config.linux, uidMappings: ids, gidMappings: ids };
    config.mounts.push({ destination: "/bound", source: join(made.path, "tree"), options });
    writeFileSync(path, JSON.stringify(config));
    const home = join(made.path, "home");
    mkdirSync(home);
    execFileSync("chmod", ["711", made.path]);
    for (const owned of [home, join(made.path, "rootfs")]) chownSync(owned, uid, uid);
    const run = (command: string) =>
      spawnSync(
        "setpriv",
        [
          `--reuid=${uid}`,
          `--regid=${uid}`,
          "--clear-groups",
          command,
          "--root",
          join(home, "state"),
          "run",
          made.id,
        ],
        {
          cwd: made.path,
          encoding: "utf8",
          env: { PATH: process.env.PATH, XDG_RUNTIME_DIR: home, HOME: home, GANTRY_RUNC_LINGER: "1" },
        },
      );
    const ours = run(program);
    if (name === "taken") assert.match(ours.stderr, /mounts\[\d+\] \/bound.*EPERM|operation not permitted/i);
    else assert.match(ours.stdout, / \/bound ro,nosuid,nodev(,noexec)?,relatime/, ours.stderr);
    assert.equal(ours.stdout.includes("noexec"), name === "stay");
  }
});
