// Containers whose root is not the machine's.

import assert from "node:assert/strict";
import { mkdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import {
  attachedIo,
  type ContainerMachine,
  defaultProcess,
  dockerSpec,
  outcomeOf,
  runScript,
  skip,
  startContainerMachine,
} from "./container-machine.ts";
import { BASE, giveToRoot, maps, withUser } from "./user-mapped.ts";

let machine: ContainerMachine;
before(async () => {
  if (skip === false) machine = await startContainerMachine();
});
after(async () => {
  await machine?.[Symbol.asyncDispose]();
});

const ownedRoot = (): string => machine.makeRoot(giveToRoot);

test("root inside is nobody outside, with capabilities over its own namespaces", { skip }, async () => {
  const { stdout, stderr } = await runScript(
    machine,
    "id -u; cat /proc/self/uid_map; touch /tmp/made; echo hi > /dev/null; ls /sys/fs/cgroup | head -1; grep CapEff /proc/self/status",
    { root: ownedRoot(), namespaces: withUser, linux: maps },
  );
  assert.match(stdout, /^0\n\s+0\s+300000\s+65536\n[\w.]+\nCapEff:\s*00000000a80425fb\n$/, stderr);
});

test("files made inside belong to the mapped user, volumes out of its reach can be bound", {
  skip,
}, async () => {
  const closed = join(machine.folder, "closed");
  mkdirSync(closed, { mode: 0o700 });
  mkdirSync(join(closed, "volume"));
  writeFileSync(join(closed, "volume/file"), "from the host\n", { mode: 0o644 });
  const root = ownedRoot();
  const { stdout, stderr } = await runScript(machine, "cat /data/file; touch /tmp/mine", {
    root,
    namespaces: withUser,
    linux: maps,
    mounts: [
      { destination: "/data", type: "bind", source: join(closed, "volume"), options: ["rbind", "ro"] },
    ],
  });
  assert.equal(stdout, "from the host\n", stderr);
  assert.equal(statSync(join(root, "tmp/mine")).uid, BASE);
});

test("as many volumes as anybody has can be bound", { skip }, async () => {
  const mounts = Array.from({ length: 95 }, (_, index) => {
    const source = join(machine.folder, `many-${index}`);
    mkdirSync(source);
    writeFileSync(join(source, "number"), `${index}\n`, { mode: 0o644 });
    return { destination: `/many/${index}`, type: "bind", source, options: ["rbind"] };
  });
  const { stdout, stderr } = await runScript(machine, "cat /many/0/number /many/94/number", {
    root: ownedRoot(),
    namespaces: withUser,
    linux: maps,
    mounts,
  });
  assert.equal(stdout, "0\n94\n", stderr);
});

test("masked and read-only paths hold, and the machine's parameters cannot be written", {
  skip,
}, async () => {
  const { stdout } = await runScript(
    machine,
    "cat /proc/keys | wc -c; (echo 1 > /proc/sys/vm/swappiness) 2>&1; grep ^Seccomp: /proc/self/status",
    { root: ownedRoot(), namespaces: withUser, linux: maps },
  );
  assert.match(stdout, /^0\n.*(Read-only file system|denied)\nSeccomp:\s*2\n$/);
});

test("a network namespace that was given shows in /sys", { skip }, async () => {
  const spec = dockerSpec(
    machine.host,
    ownedRoot(),
    "ls /sys/class/net; grep -c ' / /sys ' /proc/self/mountinfo",
    {
      namespaces: ["mount", "uts", "pid", "ipc", "user"],
      linux: maps,
    },
  );
  const linux = {
    ...spec.linux,
    namespaces: [...(spec.linux?.namespaces ?? []), { type: "network" as const, path: "/proc/self/ns/net" }],
  };
  await using container = await machine.create({ ...spec, linux });
  const { stdout, stderr } = await outcomeOf(container.shim);
  assert.match(stdout, /^([\w.-]+\n)+1\n$/, stderr);
});

test("a further process enters the user namespace, too", { skip }, async () => {
  await using container = await machine.create(
    dockerSpec(machine.host, ownedRoot(), "sleep 1000", { namespaces: withUser, linux: maps }),
  );
  const never = new AbortController().signal;
  await container.shim.start(never);
  assert.match(readFileSync(`/proc/${container.shim.initPid}/uid_map`, "utf8"), /^\s+0\s+300000\s+65536\n$/);
  const process = { ...defaultProcess("id -u; id -g; cat /proc/self/uid_map"), user: { uid: 5, gid: 6 } };
  await container.shim.exec("more", process, attachedIo(false), never);
  const { stdout, stderr } = await outcomeOf(container.shim, "more");
  assert.match(stdout, /^5\n6\n\s+0\s+300000\s+65536\n$/, stderr);
});
