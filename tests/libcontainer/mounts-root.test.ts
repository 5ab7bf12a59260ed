// What stands between the mounts and the program: devices, terminals, hidden paths, the root itself.

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import type { Device, Linux, Mount } from "#spec/oci-runtime.ts";
import {
  type ContainerMachine,
  dockerSpec,
  outcomeOf,
  skip,
  startContainerMachine,
} from "./container-machine.ts";
import { look } from "./mounted.ts";
import { giveToRoot, maps, withUser } from "./user-mapped.ts";

let machine: ContainerMachine;
before(async () => {
  if (skip === false) machine = await startContainerMachine();
});
after(async () => {
  await machine?.[Symbol.asyncDispose]();
});

const devices: readonly Device[] = [
  { type: "c", path: "/dev/fuse", major: 10, minor: 229, fileMode: 0o622, uid: 3, gid: 4 },
  { type: "u", path: "/dev/deep/er/loop", major: 10, minor: 237 },
  { type: "b", path: "/dev/disk", major: 7, minor: 0, fileMode: 0o660, gid: 6 },
  { type: "p", path: "/dev/queue", fileMode: 0o600 },
  { type: "c", path: "/dev/null", major: 1, minor: 3, fileMode: 0o604 },
  { type: "c", path: "/dev/ptmx", major: 5, minor: 2 },
  { type: "c", path: "", major: 5, minor: 2 },
];

test("devices are made with mode, owner and numbers, whatever the umask", { skip }, async () => {
  const script =
    "stat -c '%n %F %t:%T %a %u:%g' /dev/fuse /dev/deep/er/loop /dev/disk /dev/queue /dev/null /dev/tty; readlink /dev/ptmx; umask";
  const process = { user: { uid: 0, gid: 0, umask: 0o077 } };
  const { stdout } = await look(machine, { linux: { devices }, process }, script);
  assert.deepEqual(stdout.split("\n"), [
    "/dev/fuse character special file a:e5 622 3:4",
    "/dev/deep/er/loop character special file a:ed 666 0:0",
    "/dev/disk block special file 7:0 660 0:6",
    "/dev/queue fifo 0:0 600 0:0",
    "/dev/null character special file 1:3 604 0:0",
    "/dev/tty character special file 5:0 666 0:0",
    "pts/ptmx",
    "0077",
  ]);
});

test("in a user namespace the machine's devices are bound, FIFOs made", { skip }, async () => {
  const asked = devices.filter(({ path }) => ["/dev/queue", "/dev/null"].includes(path));
  const linux = {
    ...maps,
    devices: [...asked, { type: "c", path: "/dev/kmsg", major: 1, minor: 11 } as const],
  };
  const view = await look(
    machine,
    { root: machine.makeRoot(giveToRoot), namespaces: withUser, linux },
    "stat -c '%F %t:%T' /dev/kmsg /dev/queue /dev/zero; echo x > /dev/null && echo ok",
  );
  assert.equal(
    view.stdout,
    "character special file 1:b\nfifo 0:0\ncharacter special file 1:5\nok",
    view.stderr,
  );
  for (const name of ["null", "kmsg", "urandom"])
    assert.equal(view.at(`/dev/${name}`)?.root, `/${name}`, "a file of the machine's own /dev");
});

const withoutDev = (root: string, script: string, linux: Partial<Linux> = {}) => {
  const spec = dockerSpec(machine.host, root, script, { linux });
  return {
    ...spec,
    mounts: (spec.mounts ?? []).filter(({ destination }) => !destination.startsWith("/dev")),
  };
};

test("without a mount at /dev the image's nodes are kept if they are the right ones, else the container fails", {
  skip,
}, async () => {
  const right = machine.makeRoot((root) => {
    mkdirSync(join(root, "dev"));
    execFileSync("mknod", ["-m", "640", join(root, "dev/null"), "c", "1", "3"]);
  });
  await using container = await machine.create(withoutDev(right, "stat -c '%t:%T %a' /dev/null /dev/zero"));
  assert.equal((await outcomeOf(container.shim)).stdout, "1:3 640\n1:5 666\n");
  for (const other of [
    (path: string) => execFileSync("mknod", [path, "c", "1", "5"]),
    (path: string) => writeFileSync(path, ""),
    (path: string) => symlinkSync("/tmp/x", path),
  ]) {
    const wrong = machine.makeRoot((root) => {
      mkdirSync(join(root, "dev"));
      other(join(root, "dev/null"));
    });
    await assert.rejects(machine.create(withoutDev(wrong, "true")), /\/dev\/null.*EEXIST/);
  }
});

test("a container that is given a /dev keeps it, without nodes or links of ours", { skip }, async () => {
  const dev = join(machine.folder, "dev");
  mkdirSync(dev);
  execFileSync("mknod", [join(dev, "null"), "c", "1", "3"]);
  const root = machine.makeRoot();
  const spec = withoutDev(root, "ls /dev | tr '\\n' ' '");
  const mounts: readonly Mount[] = [
    ...spec.mounts,
    { destination: "/dev", type: "bind", source: dev, options: ["rbind"] },
  ];
  await using container = await machine.create({ ...spec, mounts });
  assert.equal((await outcomeOf(container.shim)).stdout, "null ");
});

test("a terminal is the container's own and /dev/console, with and without a user namespace", {
  skip,
}, async () => {
  for (const user of [false, true]) {
    const root = machine.makeRoot(user ? giveToRoot : undefined);
    const choices = user ? { namespaces: withUser, linux: maps } : {};
    const script =
      "tty; stat -c '%t:%T' /dev/console $(tty); grep -c ' /dev/console ' /proc/self/mountinfo; echo x > /dev/console";
    const process = { terminal: true, consoleSize: { height: 33, width: 99 } };
    const spec = dockerSpec(machine.host, root, `stty size; ${script}`, { ...choices, process });
    await using container = await machine.create(spec);
    const never = new AbortController().signal;
    const stream = await container.shim.attach("", { stdin: false, stdout: true, stderr: false }, never);
    await container.shim.start(never);
    let said = "";
    for await (const chunk of stream) said += String(chunk);
    assert.equal(said.replaceAll("\r", ""), "33 99\n/dev/pts/0\n88:0\n88:0\n1\nx\n");
  }
});

test("a read-only root and every read-only mount are so in the end", { skip }, async () => {
  mkdirSync(join(machine.folder, "source"));
  const source = join(machine.folder, "source");
  const mounts: readonly Mount[] = [
    { destination: "/run", type: "tmpfs", source: "tmpfs", options: ["ro", "mode=755"] },
    { destination: "/run/inner", type: "tmpfs", source: "tmpfs", options: ["ro"] },
    { destination: "/run/inner/bound", type: "bind", source, options: ["bind", "ro"] },
    { destination: "/alone", type: "tmpfs", source: "tmpfs", options: ["ro"] },
  ];
  const root = machine.makeRoot((path) => {
    for (const name of ["proc", "sys", "dev", "run", "alone"]) mkdirSync(join(path, name));
  });
  const view = await look(
    machine,
    { root, mounts, readonly: true },
    "touch /x /run/x /alone/x /dev/x; ls /dev/x",
  );
  for (const path of ["/", "/run", "/run/inner", "/run/inner/bound", "/alone", "/sys", "/sys/fs/cgroup"])
    assert.equal(view.at(path)?.options[0], "ro", path);
  assert.equal(view.at("/dev")?.options[0], "rw");
  assert.equal(view.stderr.match(/Read-only file system/g)?.length, 3);
  assert.equal(view.stdout, "/dev/x");
});

test("masked and read-only paths may be missing, links, files or directories, also in a user namespace", {
  skip,
}, async () => {
  for (const user of [false, true]) {
    const root = machine.makeRoot((path) => {
      mkdirSync(join(path, "work/dir"));
      writeFileSync(join(path, "work/dir/file"), "secret\n");
      writeFileSync(join(path, "work/file"), "secret\n");
      symlinkSync("work/file", join(path, "link"));
      if (user) giveToRoot(path);
    });
    const linux: Partial<Linux> = {
      ...(user ? maps : {}),
      maskedPaths: [
        "/none",
        "/link",
        "/work/dir",
        "/work/file/not",
        "/proc/keys",
        "/proc/acpi",
        "/proc/scsi",
        "/work/dir",
      ],
      readonlyPaths: ["/none", "/etc", "/proc/sys", "/tmp/not/there"],
    };
    const view = await look(
      machine,
      { root, linux, ...(user && { namespaces: withUser }) },
      "cat /work/file /link /proc/keys | wc -c; ls /work/dir | wc -l; touch /work/dir/x /etc/x; echo 1 > /proc/sys/kernel/hostname; echo x > /work/file && echo swallowed",
    );
    assert.equal(view.stdout, "0\n0\nswallowed", view.stderr);
    assert.equal(view.stderr.match(/Read-only file system/g)?.length, 3, view.stderr);
    assert.equal(view.at("/work/file")?.fstype, "devtmpfs");
    assert.deepEqual([view.at("/work/dir")?.fstype, view.at("/work/dir")?.options[0]], ["tmpfs", "ro"]);
    assert.equal(readFileSync(join(root, "work/file"), "utf8"), "secret\n");
  }
});
