// Namespaces that are new, and those of another container that are joined.

import assert from "node:assert/strict";
import { chownSync, cpSync, existsSync, readFileSync, readlinkSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import type { Linux, NamespaceType } from "#spec/oci-runtime.ts";
import {
  attachedIo,
  type Container,
  type ContainerMachine,
  defaultProcess,
  dockerSpec,
  outcomeOf,
  runScript,
  skip,
  startContainerMachine,
} from "./container-machine.ts";
import { BASE, giveToRoot, maps } from "./user-mapped.ts";

const never = new AbortController().signal;
let machine: ContainerMachine;
before(async () => {
  if (skip === false) machine = await startContainerMachine();
});
after(async () => {
  await machine?.[Symbol.asyncDispose]();
});

const files = {
  mount: "mnt",
  pid: "pid",
  network: "net",
  ipc: "ipc",
  uts: "uts",
  cgroup: "cgroup",
  time: "time",
  user: "user",
} as const satisfies Record<NamespaceType, string>;
const hasTime = existsSync("/proc/self/ns/time");
const noTime = skip || (!hasTime && "no time namespaces in this kernel");
const everywhere: readonly NamespaceType[] = ["mount", "pid", "network", "ipc", "uts", "cgroup"];
const all: readonly NamespaceType[] = hasTime ? [...everywhere, "time"] : everywhere;

const showAll = `for n in ${[...all, "user" as const].map((type) => files[type]).join(" ")}; do echo $n $(readlink /proc/self/ns/$n); done`;

/** A container that sleeps, with a second root file system below its own. */
async function startHolder(types: readonly NamespaceType[], linux: Partial<Linux> = {}): Promise<Container> {
  const root = machine.makeRoot((path) => {
    if (linux.uidMappings !== undefined) chownSync(path, BASE, BASE);
  });
  cpSync(machine.makeRoot(), join(root, "inner"), { recursive: true, verbatimSymlinks: true });
  if (linux.uidMappings !== undefined) giveToRoot(join(root, "inner"));
  // biome-ignore lint/nursery/useDisposables: the caller disposes of it.
  const container = await machine.create(
    dockerSpec(machine.host, root, "sleep 1000", { namespaces: types, linux }),
  );
  await container.shim.start(never);
  return container;
}

/** What a container that joins `types` of the holder, and has the rest new, says. */
async function runJoined(
  holder: Container,
  types: readonly NamespaceType[],
  { script, root = machine.makeRoot() }: { readonly script: string; readonly root?: string },
): ReturnType<typeof outcomeOf> {
  const { cgroupsPath: _, ...linux } = dockerSpec(machine.host, root, script).linux ?? {};
  const namespaces = [...all, ...(types.includes("user") ? ["user" as const] : [])].map((type) => ({
    type,
    ...(types.includes(type) && { path: `/proc/${holder.shim.initPid}/ns/${files[type]}` }),
  }));
  await using container = await machine.create({
    ...dockerSpec(machine.host, root, script),
    linux: { ...linux, namespaces },
  });
  return await outcomeOf(container.shim);
}

const linksOf = (pid: number | "self", type: NamespaceType): string =>
  readlinkSync(`/proc/${pid}/ns/${files[type]}`);

function assertJoined(stdout: string, holder: Container, joined: readonly NamespaceType[]): void {
  const links = new Map(
    stdout
      .trim()
      .split("\n")
      .map((line): [string, string] => {
        const [name = "", link = ""] = line.split(" ");
        return [name, link];
      }),
  );
  for (const type of all) {
    const of = linksOf(holder.shim.initPid, type);
    if (joined.includes(type)) assert.equal(links.get(files[type]), of, `${type} is the holder's`);
    else assert.notEqual(links.get(files[type]), of, `${type} is its own`);
  }
}

test("every namespace that is asked for is new", { skip }, async () => {
  const { stdout } = await runScript(machine, showAll, { namespaces: all });
  for (const line of stdout.trim().split("\n")) {
    const [name, link] = line.split(" ");
    const own = readlinkSync(`/proc/self/ns/${name}`);
    if (name === "user") assert.equal(link, own);
    else assert.notEqual(link, own);
  }
});

for (const type of all.filter((name) => name !== "mount"))
  test(`the ${type} namespace of another container is joined by its path`, { skip }, async () => {
    await using holder = await startHolder(all);
    const { stdout, stderr } = await runJoined(holder, [type], { script: showAll });
    assert.equal(stderr, "");
    assertJoined(stdout, holder, [type]);
  });

test("all of them are joined at once, the mount namespace too", { skip }, async () => {
  await using holder = await startHolder(all);
  const { stdout, stderr } = await runJoined(holder, all, { script: `${showAll}`, root: "/inner" });
  assertJoined(stdout, holder, all);
  assert.equal(stderr, "");
});

test("a user namespace is joined with what it owns: pid, mount, time and the rest", { skip }, async () => {
  await using holder = await startHolder([...all, "user"], maps);
  const types: readonly NamespaceType[] = [...all, "user"];
  const script = `${showAll}; id -u; cat /proc/self/uid_map; grep CapEff /proc/self/status`;
  const { stdout, stderr } = await runJoined(holder, types, { script, root: "/inner" });
  assertJoined(stdout, holder, types);
  assert.match(stdout, /\n0\n\s+0\s+300000\s+65536\nCapEff:\s*00000000a80425fb\n$/, stderr);
  assert.match(
    stdout,
    new RegExp(`^user ${linksOf(holder.shim.initPid, "user").replace(/[[\]]/g, "\\$&")}$`, "m"),
  );
});

test("a user namespace is joined and owns what is new", { skip }, async () => {
  await using holder = await startHolder([...all, "user"], maps);
  const root = machine.makeRoot((path) => {
    giveToRoot(path);
  });
  const script = "id -u; hostname changed && hostname; cat /proc/sys/kernel/hostname";
  const { stdout, stderr } = await runJoined(holder, ["user"], { script, root });
  assert.match(stdout, /^0\n(box\n|changed\nchanged\n)/, stderr);
});

test("a time namespace is refused where the kernel has none", { skip: skip || hasTime }, async () => {
  await assert.rejects(
    runScript(machine, "true", { namespaces: ["mount", "uts", "time"] }),
    /time namespaces aren't enabled in the kernel/,
  );
});

test("a path that leads back to the machine's network gives no right to its parameters", {
  skip,
}, async () => {
  const spec = dockerSpec(machine.host, machine.makeRoot(), "true");
  const linux = {
    ...spec.linux,
    namespaces: [
      ...all.filter((type) => type !== "network").map((type) => ({ type })),
      { type: "network" as const, path: `/proc/${process.pid}/ns/net` },
    ],
    sysctl: { "net.ipv4.ip_forward": "1" },
  };
  await assert.rejects(machine.create({ ...spec, linux }), /not allowed in host network namespace/);
});

test("limits of a user namespace are its own", { skip }, async () => {
  const root = machine.makeRoot((path) => {
    giveToRoot(path);
  });
  const { stdout } = await runScript(machine, "cat /proc/sys/user/max_user_namespaces", {
    root,
    namespaces: [...all, "user"],
    linux: { ...maps, sysctl: { "user.max_user_namespaces": "7" } },
  });
  assert.equal(stdout, "7\n");
});

const offsets = { boottime: { secs: 1_000_000, nanosecs: 7 }, monotonic: { secs: 500_000 } };

for (const user of [false, true])
  test(`the clocks of a new time namespace are set before its first task${user ? ", in a user namespace" : ""}`, {
    skip: noTime,
  }, async () => {
    const namespaces: readonly NamespaceType[] = [...all, ...(user ? ["user" as const] : [])];
    const root = machine.makeRoot((path) => {
      if (user) giveToRoot(path);
    });
    await using container = await machine.create(
      dockerSpec(machine.host, root, "cat /proc/uptime; sleep 1000", {
        namespaces,
        linux: { timeOffsets: offsets, ...(user && maps) },
      }),
    );
    const stream = await container.shim.attach("", { stdin: false, stdout: true, stderr: true }, never);
    await container.shim.start(never);
    const [chunk] = await stream.take(1).toArray();
    const uptime = Number(/(\d+)\.\d+ /.exec(String(chunk))?.[1]);
    const here = Number(readFileSync("/proc/uptime", "utf8").split(".")[0]);
    assert.ok(Math.abs(uptime - here - 1_000_000) < 60, `${uptime} and ${here}`);
    assert.match(
      readFileSync(`/proc/${container.shim.initPid}/timens_offsets`, "utf8"),
      /monotonic\s+500000\s+0\nboottime\s+1000000\s+7\n/,
    );
    assert.notEqual(linksOf(container.shim.initPid, "time"), linksOf("self", "time"));
    await container.shim.exec("more", defaultProcess("cat /proc/uptime"), attachedIo(false), never);
    assert.ok(Number((await outcomeOf(container.shim, "more")).stdout.split(".")[0]) >= uptime);
  });
