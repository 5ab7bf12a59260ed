// Snapshots that are copies (--storage-driver vfs), with the real client: beside a dockerd with the same driver, and where overlayfs cannot be.

import assert from "node:assert/strict";
import { mkdir, mkdtemp, readdir, rm, symlink } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { giveRange } from "../containers/subordinate-ids.ts";
import { type Client, type Engine, startEngine } from "../system/engine.ts";
import { importBusybox } from "../system/images.ts";
import { startPeer } from "../system/peer.ts";
import { must } from "../system/process.ts";
import { startRealContainerd } from "../system/real-containerd.ts";
import { startRegistry } from "../system/registry.ts";
import { skip } from "./unpacker.ts";

const config = { "storage-driver": "vfs" };

let engine: Engine;
let peer: Client;
let registry = "";
const undo = new AsyncDisposableStack();

before(async () => {
  if (skip) return;
  engine = undo.use(await startEngine({ config }));
  peer = undo.use(await startPeer({ config, netns: engine.netns }));
  registry = undo.use(await startRegistry(engine.netns)).address;
  await Promise.all([importBusybox(engine), importBusybox(peer)]);
});
after(() => undo.disposeAsync());

const change = [
  "cd /root",
  "echo one > one",
  "ln one two",
  "ln -s one three",
  "mkfifo pipe",
  "chmod 700 /home",
  "rm /etc/group",
  "rm -r /var",
  "echo more >> /etc/passwd",
  "mkdir -p deep/er",
  "echo file > deep/er/file",
  "dd if=/dev/zero of=sparse bs=1k count=1 seek=4096 2>/dev/null",
].join("; ");

const look = [
  "cd /root",
  "ls -a / /root /etc /root/deep/er | sort",
  "cat one two three /etc/passwd",
  "stat -c '%h %s %a %F %n' one two pipe sparse /home",
].join("; ");

const lines: readonly (readonly string[])[] = [
  ["info", "--format", "{{.Driver}} {{.DriverStatus}}"],
  ["run", "--name", "box", "--network", "none", "busybox", "sh", "-c", change],
  ["diff", "box"],
  ["inspect", "-f", "{{json .GraphDriver}} {{.Driver}}", "box"],
  ["cp", "box:/root/one", "-"],
  ["run", "--rm", "--network", "none", "busybox", "ls", "/root"],
  ["commit", "box", "IMAGE:1"],
  ["run", "--rm", "--network", "none", "IMAGE:1", "sh", "-ec", look],
  ["start", "--attach", "box"],
  ["push", "-q", "IMAGE:1"],
  ["rm", "box"],
  ["rmi", "-f", "IMAGE:1"],
  ["pull", "-q", "IMAGE:1"],
  ["run", "--rm", "--network", "none", "IMAGE:1", "sh", "-ec", look],
  ["create", "--name", "stopped", "--volume", "data:/data", "IMAGE:1", "none"],
  ["diff", "stopped"],
  ["rm", "--volumes", "stopped"],
  ["rmi", "IMAGE:1"],
  ["image", "prune", "--force"],
  ["images", "--format", "{{.Repository}}"],
];

test("containers and images on copies are what they are with dockerd's vfs", { skip }, async () => {
  const plain = (text: string, image: string): string =>
    text
      .replaceAll(image, "IMAGE")
      .replaceAll(/(sha256:)?[0-9a-f]{64}/g, "ID")
      .replaceAll(/^(Deleted|Untagged): .*\n/gm, "");
  for (const words of lines) {
    const [ours, theirs] = await Promise.all(
      [engine, peer].map(async (daemon, index) => {
        const image = `${registry}/image${index}`;
        const { code, stdout, stderr } = await daemon.tryDocker(
          words.map((word) => word.replace("IMAGE", image)),
        );
        // An archive has times; vfs tells changes in the order of a hash table.
        const sorted = words[0] === "diff" ? stdout.split("\n").sort().join("\n") : stdout;
        const shown = words[0] === "cp" ? stdout.includes("one\n") : sorted;
        return plain(`${shown}${stderr}=> ${code}`, image);
      }),
    );
    assert.equal(ours, theirs, words.join(" "));
  }
});

/** What a container on copies comes to, without what is different each time. */
async function walk(daemon: Client): Promise<readonly string[]> {
  const told: string[] = [];
  for (const words of [
    ["run", "--name", "walker", "--network", "none", "busybox", "sh", "-c", change],
    ["diff", "walker"],
    ["commit", "-q", "walker", "walked:1"],
    ["run", "--rm", "--network", "none", "walked:1", "sh", "-ec", look],
    ["start", "--attach", "walker"],
    ["rm", "walker"],
    ["rmi", "walked:1"],
    ["info", "--format", "{{.Driver}} {{.DriverStatus}}"],
  ]) {
    const { code, stdout, stderr } = await daemon.tryDocker(words);
    told.push(`${words[0]}: ${stdout}${stderr}=> ${code}`.replaceAll(/[0-9a-f]{64}/g, "ID"));
  }
  return told;
}

test("copies are the same on a real containerd, and for containers of a user namespace", {
  skip,
}, async () => {
  const wanted = await walk(engine);
  assert.match(wanted.join("\n"), /A \/root\/sparse/);
  {
    await using containerd = await startRealContainerd();
    await using other = await startEngine({ config, flags: ["--containerd", containerd.socket] });
    await importBusybox(other);
    assert.deepEqual(await walk(other), wanted);
    const ctr = ["ctr", "-a", containerd.socket, "-n", "moby", "snapshots", "--snapshotter"];
    assert.match(await must([...ctr, "native", "ls"]), /Committed/);
    assert.doesNotMatch(await must([...ctr, "overlayfs", "ls"]), /Committed|Active/);
  }
  using _ids = giveRange(`games:${1_700_000_000}:65536`);
  await using mapped = await startEngine({ mode: 0o711, config: { ...config, "userns-remap": "games" } });
  await importBusybox(mapped);
  assert.deepEqual(await walk(mapped), wanted);
  const ids = ["sh", "-c", "stat -c %u /bin; cat /proc/self/uid_map"];
  const seen = await mapped.docker("run", "--rm", "--network", "none", "busybox", ...ids);
  assert.match(seen, /^0\n\s+0\s+1700000000\s+65536$/);
});

test("an image that was copied is saved, loaded, and checked", { skip }, async () => {
  const folder = await mkdtemp(join(tmpdir(), "gantry-copied-"));
  try {
    await engine.docker("run", "--name", "saver", "--network", "none", "busybox", "sh", "-c", change);
    await engine.docker("commit", "saver", "kept:1");
    await engine.docker("save", "-o", join(folder, "kept.tar"), "kept:1");
    await engine.docker("rm", "saver");
    await engine.docker("rmi", "kept:1");
    await engine.docker("load", "-i", join(folder, "kept.tar"));
    const blocks = ["stat", "-c", "%b", "/root/sparse"];
    const used = await engine.docker("run", "--rm", "--network", "none", "kept:1", ...blocks);
    assert.ok(Number(used) < 100, used); // dockerd writes the zeros
    const program = join(import.meta.dirname, "../../bin/gantry");
    const { code, stdout } = await engine.tryDocker(["system", "check"], { program });
    assert.equal(code, 0, stdout);
    await engine.docker("rmi", "kept:1");
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
});

test("a symlink of an image leads no file that every container gets out of its copy", { skip }, async () => {
  const folder = await mkdtemp(join(tmpdir(), "gantry-outside-"));
  try {
    await mkdir(join(folder, "outside"));
    await mkdir(join(folder, "tree"));
    for (const name of ["etc", "dev"]) await symlink(join(folder, "outside"), join(folder, "tree", name));
    await must(["tar", "-C", join(folder, "tree"), "-cf", join(folder, "tree.tar"), "."]);
    await engine.docker("import", join(folder, "tree.tar"), "leading:1");
    await engine.docker("create", "--name", "led", "leading:1", "none");
    assert.deepEqual(await readdir(join(folder, "outside")), []);
    await engine.docker("rm", "led");
    await engine.docker("rmi", "leading:1");
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
});

test("a root stays with what it began with", { skip }, async () => {
  await engine.restart();
  assert.equal(await engine.docker("info", "-f", "{{.Driver}}"), "vfs");
  assert.equal(await engine.docker("run", "--rm", "--network", "none", "busybox", "echo", "hello"), "hello");
  const program = join(import.meta.dirname, "../../bin/gantryd");
  const root = ["--data-root", join(engine.dir, "root"), "--exec-root", join(engine.dir, "other")];
  await engine.stop();
  const places = [
    ...root,
    "--pidfile",
    join(engine.dir, "other.pid"),
    "--host",
    `unix://${engine.dir}/other`,
  ];
  await assert.rejects(
    must([program, ...places, "--storage-driver", "overlay2"], { netns: engine.netns }),
    /was begun with the snapshotter native/,
  );
  await assert.rejects(
    must([program, ...places, "-s", "zfs"], { netns: engine.netns }),
    /driver not supported: zfs/,
  );
  await engine.restart();
});

test("where overlayfs cannot be mounted copies are made, and it is told", { skip }, async () => {
  const folder = await mkdtemp(join(tmpdir(), "gantry-covered-"));
  await using gone = new AsyncDisposableStack();
  gone.defer(() => rm(folder, { recursive: true, force: true }));
  const [lower, upper, work, root] = ["lower", "upper", "work", "root"].map((name) => join(folder, name));
  for (const path of [lower, upper, work, root]) await mkdir(path ?? "");
  // overlayfs takes no directory of another overlay to write to.
  const options = `lowerdir=${lower},upperdir=${upper},workdir=${work}`;
  await must(["mount", "-t", "overlay", "-o", options, "overlay", root ?? ""]);
  gone.defer(async () => void (await must(["umount", root ?? ""])));
  await using covered = await startEngine({ config: { "data-root": root } });
  assert.match(covered.daemon.output(), /overlayfs cannot be mounted in .*: snapshots are copied whole/);
  await importBusybox(covered);
  assert.equal(await covered.docker("info", "-f", "{{.Driver}}"), "vfs");
  await covered.docker("run", "--name", "box", "--network", "none", "busybox", "touch", "/new");
  assert.equal(await covered.docker("diff", "box"), "A /new");
  await covered.docker("rm", "box");
});
