// What is mounted: files and directories of the machine, id-mapped, copied up, new file systems; in a user namespace, too.

import assert from "node:assert/strict";
import { chmodSync, chownSync, existsSync, mkdirSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { after, before, type TestContext, test } from "node:test";
import { isUnified } from "#kernel/cgroups/layout.ts";
import { kernelIsAtLeast } from "#libcontainer/host-facts.ts";
import type { IdMapping, Mount } from "#spec/oci-runtime.ts";
import {
  type ContainerMachine,
  dockerSpec,
  outcomeOf,
  skip,
  startContainerMachine,
} from "./container-machine.ts";
import { look, mountTree } from "./mounted.ts";
import { giveToRoot, maps, whole, withUser } from "./user-mapped.ts";

let machine: ContainerMachine;
before(async () => {
  if (skip === false) machine = await startContainerMachine();
});
after(async () => {
  await machine?.[Symbol.asyncDispose]();
});

const folder = (name: string): string => join(machine.folder, name);
const ownedRoot = (prepare: (root: string) => void = () => {}): string =>
  machine.makeRoot((root) => {
    giveToRoot(root);
    prepare(root);
  });

/** A file of user 5 and group 6 in each of a tree's two file systems. */
function giveFiles(name: string): void {
  for (const directory of [folder(name), join(folder(name), "inner")]) {
    writeFileSync(join(directory, "file"), "content\n");
    chownSync(join(directory, "file"), 5, 6);
  }
}

const owners = "stat -c '%u:%g' /data/file /data/inner/file";

/** The trees of these tests are tmpfs, which the kernel maps since 6.3. */
const cannotMap = (context: TestContext): boolean => {
  if (kernelIsAtLeast(machine.host.kernel, 6, 3)) return false;
  context.skip("tmpfs cannot be id-mapped by this kernel");
  return true;
};

test("an id-mapped bind shows other owners, and writes as they are on the disk", {
  skip,
}, async (context) => {
  if (cannotMap(context)) return;
  using _tree = mountTree(folder("mapped"));
  giveFiles("mapped");
  const uidMappings: readonly IdMapping[] = [{ containerID: 0, hostID: 1000, size: 100 }];
  const gidMappings: readonly IdMapping[] = [{ containerID: 0, hostID: 2000, size: 100 }];
  const data = { destination: "/data", source: folder("mapped"), uidMappings, gidMappings };
  const one = await look(machine, { mounts: [{ ...data, options: ["rbind"] }] }, owners);
  assert.equal(one.stdout, "1005:2006\n5:6", one.stderr);
  assert.ok(one.at("/data")?.options.includes("idmapped"));
  const all = await look(machine, { mounts: [{ ...data, options: ["rbind", "ridmap", "ro"] }] }, owners);
  assert.equal(all.stdout, "1005:2006\n1005:2006", all.stderr);
  assert.deepEqual(all.at("/data")?.options.slice(0, 1), ["ro"]);
  const script = "chmod 777 /data; touch /data/mine";
  const process = { user: { uid: 1007, gid: 2008 } };
  chmodSync(folder("mapped"), 0o777);
  const made = await look(machine, { mounts: [{ ...data, options: ["bind", "idmap"] }], process }, script);
  const { uid, gid } = statSync(join(folder("mapped"), "mine"));
  assert.deepEqual([uid, gid], [7, 8], made.stderr);
});

test("idmap without maps takes the container's own: root's files are root's there", {
  skip,
}, async (context) => {
  if (cannotMap(context)) return;
  using _tree = mountTree(folder("owned"));
  giveFiles("owned");
  for (const [options, inner] of [
    [["rbind", "idmap"], "65534:65534"],
    [["rbind", "ridmap"], "5:6"],
  ] as const) {
    const mounts = [{ destination: "/data", type: "bind", source: folder("owned"), options }];
    const choices = { root: ownedRoot(), namespaces: withUser, linux: maps, mounts };
    const { stdout, stderr } = await look(machine, choices, owners);
    assert.equal(stdout, `5:6\n${inner}`, stderr);
  }
});

test("a mapped mount without maps, or of what is no bind, is refused", { skip }, async () => {
  const bind: Mount = { destination: "/data", type: "bind", source: "/srv", options: ["idmap"] };
  await assert.rejects(look(machine, { mounts: [bind] }), /must have both uid and gid mappings/);
  await assert.rejects(
    look(machine, { mounts: [{ ...bind, options: ["bind"], uidMappings: whole }] }),
    /must have both uid and gid mappings/,
  );
  const tmpfs: Mount = { destination: "/data", type: "tmpfs", uidMappings: whole, gidMappings: whole };
  await assert.rejects(look(machine, { mounts: [tmpfs] }), /only supported for bind-mounts/);
});

test("a file, a socket and a device can be bound; a source that is missing fails", { skip }, async () => {
  const path = folder("socket");
  const server = createServer().listen(path);
  await new Promise((resolve) => server.once("listening", resolve));
  writeFileSync(folder("file"), "content\n");
  const bind = (source: string, destination: string): Mount => ({
    destination,
    source,
    options: ["bind", "ro"],
  });
  const { stdout, stderr } = await look(
    machine,
    { mounts: [bind(path, "/run/s"), bind(folder("file"), "etc/../etc/f"), bind("/dev/zero", "/tmp/z")] },
    "test -S /run/s && echo socket; cat /etc/f; head -c 3 /tmp/z | wc -c; echo x > /etc/f",
  );
  assert.equal(stdout, "socket\ncontent\n3", stderr);
  assert.match(stderr, /Read-only file system/);
  server.close();
  await assert.rejects(look(machine, { mounts: [bind(folder("none"), "/x")] }), /mounts\[\d+\] \/x.*ENOENT/);
});

test("a relative source is below the bundle, a relative destination below the root", { skip }, async () => {
  const root = machine.makeRoot();
  const spec = dockerSpec(machine.host, root, "cat /data/list");
  const mounts: readonly Mount[] = [
    ...(spec.mounts ?? []),
    { destination: "data", type: "bind", source: "../given", options: ["rbind"] },
  ];
  mkdirSync(folder("given"));
  writeFileSync(join(folder("given"), "list"), "listed\n");
  await using container = await machine.create({ ...spec, mounts });
  assert.equal((await outcomeOf(container.shim)).stdout, "listed\n");
});

test("a source is mounted onto a file, and nothing onto what is of the other kind", { skip }, async () => {
  writeFileSync(folder("over"), "over\n");
  const file: Mount = { destination: "/etc/hosts", type: "bind", source: folder("over"), options: ["bind"] };
  const root = machine.makeRoot((path) => writeFileSync(join(path, "etc/hosts"), "under\n"));
  assert.equal((await look(machine, { root, mounts: [file] }, "cat /etc/hosts")).stdout, "over");
  await assert.rejects(
    look(machine, { mounts: [{ ...file, destination: "/tmp" }] }),
    /\/tmp.*(ENOTDIR|EINVAL)/,
  );
});

test("of /proc only the files that tools like lxcfs replace can be covered", { skip }, async () => {
  writeFileSync(folder("uptime"), "1.00 2.00\n");
  const over = (destination: string): Mount => ({
    destination,
    type: "bind",
    source: folder("uptime"),
    options: ["bind", "ro"],
  });
  const { stdout } = await look(machine, { mounts: [over("/proc/uptime")] }, "cat /proc/uptime");
  assert.equal(stdout, "1.00 2.00");
  for (const path of ["/proc/version", "/proc/sys/kernel/hostname", "/proc/1/environ"])
    await assert.rejects(
      look(machine, { mounts: [over(path)] }),
      /cannot be mounted because it is inside \/proc/,
    );
});

test("tmpcopyup fills a tmpfs with what it covers", { skip }, async () => {
  const prepare = (root: string): void => {
    mkdirSync(join(root, "srv/deep"), { recursive: true });
    writeFileSync(join(root, "srv/deep/file"), "content\n", { mode: 0o640 });
    symlinkSync("deep/file", join(root, "srv/link"));
    chownSync(join(root, "srv/deep/file"), 7, 8);
    chmodSync(join(root, "srv"), 0o2751);
  };
  const script = "cat /srv/link; stat -c '%a %u:%g' /srv /srv/deep/file; touch /srv/new && echo made";
  const run = async (...options: string[]) => {
    const root = machine.makeRoot(prepare);
    const mounts = [{ destination: "/srv", type: "tmpfs", source: "tmpfs", options }];
    const view = await look(machine, { root, mounts }, script);
    assert.equal(view.at("/srv")?.fstype, "tmpfs");
    assert.throws(() => statSync(join(root, "srv/new")), /ENOENT/);
    return view.stdout;
  };
  assert.equal(await run("tmpcopyup"), "content\n2751 0:0\n640 7:8\nmade");
  assert.equal(await run("tmpcopyup", "mode=1770", "uid=3"), "content\n1770 3:0\n640 7:8\nmade");
  assert.equal(await run("tmpcopyup", "ro"), "content\n2751 0:0\n640 7:8");
});

test("without a mode, a tmpfs has that of the directory that it covers", { skip }, async () => {
  const root = machine.makeRoot((path) => chmodSync(join(path, "work"), 0o3710));
  const mounts: readonly Mount[] = [
    { destination: "/work", type: "tmpfs" },
    { destination: "/new", type: "tmpfs" },
  ];
  const { stdout } = await look(machine, { root, mounts }, "stat -c %a /work /new");
  assert.equal(stdout, "3710\n1777"); // where nothing was, its own, as with runc
});

test("an overlay can be a mount of the container's own", { skip }, async () => {
  for (const name of ["low", "up", "wk"]) mkdirSync(folder(name));
  writeFileSync(join(folder("low"), "file"), "lower\n");
  const options = [`lowerdir=${folder("low")},upperdir=${folder("up")}`, `workdir=${folder("wk")}`];
  const mounts = [{ destination: "/layered", type: "overlay", source: "overlay", options }];
  const view = await look(machine, { mounts }, "cat /layered/file; touch /layered/made");
  assert.equal(view.stdout, "lower", view.stderr);
  assert.ok(statSync(join(folder("up"), "made")).isFile());
});

test("every file system of a default container can be mounted in a user namespace, too", {
  skip,
}, async () => {
  for (const namespaces of [undefined, withUser]) {
    const user = namespaces !== undefined;
    const view = await look(
      machine,
      {
        ...(user ? { root: ownedRoot(), namespaces, linux: maps } : {}),
        mounts: [{ destination: "/scratch", type: "tmpfs", source: "tmpfs", options: ["size=1m"] }],
      },
      "touch /scratch/x /dev/shm/y /dev/mqueue/z && echo made; test -c /dev/pts/ptmx && echo pty",
    );
    assert.equal(view.stdout, "made\npty", view.stderr);
    for (const [path, fstype] of [
      ["/proc", "proc"],
      ["/sys", "sysfs"],
      ["/dev", "tmpfs"],
      ["/dev/pts", "devpts"],
      ["/dev/mqueue", "mqueue"],
      ["/dev/shm", "tmpfs"],
      ["/sys/fs/cgroup", isUnified(machine.host.cgroups) ? "cgroup2" : "tmpfs"],
    ] as const)
      assert.equal(view.at(path)?.fstype, fstype, `${path} ${user}`);
  }
});

test("nothing that a user namespace's root mounts in a bind reaches the machine", { skip }, async () => {
  using _tree = mountTree(folder("peer"), "rw", "shared");
  const mounts = [{ destination: "/peer", type: "bind", source: folder("peer"), options: ["rbind"] }];
  const choices = { root: ownedRoot(), namespaces: withUser, linux: maps, mounts };
  const view = await look(
    machine,
    choices,
    "mount -t tmpfs tmpfs /peer/inner && touch /peer/inner/here && ls /peer/inner",
  );
  assert.equal(view.stdout, "here", view.stderr);
  assert.match(view.at("/peer")?.propagation.join() ?? "", /^master:\d+$/);
  assert.throws(() => statSync(join(folder("peer"), "inner/here")), /ENOENT/);
});

test("cgroups are the container's own: bound, or mounted in a cgroup namespace, readable only if asked for", {
  skip: skip || (!existsSync("/sys/fs/cgroup/pids") && "needs cgroup version 1"),
}, async () => {
  const base = ["mount", "uts", "pid", "ipc", "network"] as const;
  const cgroup = (destination: string, ...options: string[]): Mount => ({
    destination,
    type: "cgroup",
    source: "cgroup",
    options,
  });
  const names = machine.host.cgroups.v1.map(({ mountPoint }) => mountPoint.replace(/.*\//, ""));
  for (const namespaces of [base, [...base, "cgroup"] as const]) {
    const view = await look(
      machine,
      { namespaces, mounts: [cgroup("/cg", "ro", "nosuid"), cgroup("/cgw", "nosuid", "noexec", "nodev")] },
      "cat /cg/pids/cgroup.procs | head -1; (mkdir /cg/pids/x) 2>&1; mkdir /cgw/pids/y && rmdir /cgw/pids/y && echo writable; ls /cg | wc -l",
    );
    assert.match(view.stdout, /^1\n.*Read-only file system\nwritable\n\d+$/, view.stderr);
    for (const name of names) {
      assert.partialDeepStrictEqual(view.at(`/cg/${name}`), { fstype: "cgroup" });
      assert.ok(view.at(`/cg/${name}`)?.options.includes("ro"), name);
    }
    assert.equal(view.at("/cg/unified"), undefined);
    const root = view.at("/cg/pids")?.root;
    if (namespaces === base) assert.match(root ?? "", /\/gantry-libcontainer-.*\/c\d+$/);
    else assert.equal(root, "/");
  }
});

test("version 2 is one file system: the container's own in a cgroup namespace; never writable for a user namespace without one", {
  skip: skip || (existsSync("/sys/fs/cgroup/pids") && "needs pure cgroup version 2"),
}, async () => {
  const base = ["mount", "uts", "pid", "ipc", "network"] as const;
  const cgroup: Mount = { destination: "/cg", type: "cgroup", source: "cgroup", options: ["nosuid"] };
  const script = "cat /proc/self/cgroup; mkdir /cg/gantry-made && rmdir /cg/gantry-made && echo writable";
  const own = await look(machine, { namespaces: [...base, "cgroup"], mounts: [cgroup] }, script);
  assert.equal(own.stdout, "0::/\nwritable", own.stderr);
  assert.partialDeepStrictEqual(own.at("/cg"), { fstype: "cgroup2", options: ["rw", "nosuid", "relatime"] });
  assert.partialDeepStrictEqual(own.at("/sys/fs/cgroup"), { fstype: "cgroup2" });
  assert.equal(own.at("/sys/fs/cgroup")?.options[0], "ro");
  const choices = { root: ownedRoot(), linux: maps, mounts: [cgroup] };
  const bound = await look(machine, { ...choices, namespaces: withUser }, script);
  assert.doesNotMatch(bound.stdout, /writable/);
  assert.deepEqual([bound.at("/cg")?.fstype, bound.at("/cg")?.options[0]], ["cgroup2", "ro"]);
  const mapped = await look(
    machine,
    { ...choices, namespaces: [...withUser, "cgroup"] },
    "cat /proc/self/cgroup",
  );
  assert.equal(mapped.stdout, "0::/", mapped.stderr);
  assert.deepEqual([mapped.at("/cg")?.fstype, mapped.at("/cg")?.root], ["cgroup2", "/"]);
});
