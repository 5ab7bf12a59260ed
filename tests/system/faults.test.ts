// What goes wrong gets Docker's status and words, and leaves nothing behind.

import assert from "node:assert/strict";
import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { type Engine, startEngine } from "./engine.ts";
import { importBusybox } from "./images.ts";
import { must, run, startBackground } from "./process.ts";

const skip = process.getuid?.() !== 0 && "needs root";

let engine: Engine;
before(async () => {
  if (skip) return;
  engine = await startEngine();
  await importBusybox(engine);
});
after(async () => engine?.[Symbol.asyncDispose]());

interface Fault {
  readonly command: readonly string[];
  readonly code: number;
  readonly stderr: RegExp;
}

const faults: Readonly<Record<string, Fault>> = {
  "an unknown image": {
    command: ["run", "--pull", "never", "nosuch"],
    code: 125,
    stderr: /No such image: nosuch:latest/,
  },
  "a bad reference": {
    command: ["pull", "busybox/UPPER"],
    code: 1,
    stderr: /must be lowercase/,
  },
  "an unreachable registry": {
    command: ["pull", "127.0.0.1:1/x"],
    code: 1,
    stderr: /127\.0\.0\.1:1.*connection refused/,
  },
  "a missing command": {
    command: ["run", "--rm", "busybox", "nosuch"],
    code: 127,
    stderr: /exec: "nosuch": executable file not found in \$PATH/,
  },
  "a command that is not executable": {
    command: ["run", "--rm", "busybox", "/etc/passwd"],
    code: 126,
    stderr: /exec: "\/etc\/passwd": permission denied/,
  },
  "an option that is not supported": {
    command: ["run", "--rm", "--gpus", "all", "busybox", "true"],
    code: 125,
    stderr: /gpu/i,
  },
  "an unknown network": {
    command: ["run", "--rm", "--network", "nosuch", "busybox", "true"],
    code: 125,
    stderr: /network nosuch not found/,
  },
  "a missing bind source of a mount": {
    command: ["run", "--rm", "--mount", "type=bind,src=/no/such,dst=/d", "busybox", "true"],
    code: 125,
    stderr: /bind source path does not exist: \/no\/such/,
  },
};

for (const [title, { command, code, stderr }] of Object.entries(faults)) {
  test(`${title} is refused and leaves no container`, { skip }, async () => {
    const result = await engine.tryDocker(command);
    assert.match(result.stderr, stderr);
    assert.equal(result.code, code);
    for (const id of (await engine.docker("ps", "-aq")).split("\n").filter(Boolean)) {
      assert.equal(await engine.docker("inspect", "-f", "{{.State.Status}}", id), "created");
      await engine.docker("rm", id);
    }
    assert.deepEqual(await leftovers(engine), []);
  });
}

/** What a running container has and no container may leave. */
async function leftovers({ dir, netns }: Engine): Promise<string[]> {
  const list = async (path: string): Promise<string[]> => readdir(path).catch(() => []);
  const links = (await must(["ip", "-o", "link"], { netns }))
    .split("\n")
    .filter((line) => line.includes("veth"));
  return [
    ...(await list(join(dir, "exec/tasks/moby"))),
    ...(await list(join(dir, "exec/netns"))),
    ...links,
    ...(await readFile("/proc/self/mountinfo", "utf8"))
      .split("\n")
      .filter((line) => line.includes(`${dir}/exec/netns/`)),
  ];
}

test("malformed JSON is a 400 in Docker's words", { skip }, async () => {
  const post = (body: string) =>
    run([
      "curl",
      "-s",
      "-w",
      "%{http_code}",
      "--unix-socket",
      engine.socket,
      "-H",
      "Content-Type: application/json",
      "-d",
      body,
      "http://d/v1.41/containers/create",
    ]);
  assert.match((await post("{")).stdout, /"message":.*\n400$/);
  assert.match((await post('{"Cmd": 5, "Image": "busybox"}')).stdout, /"message":.*\n400$/);
  assert.match((await post("")).stdout, /"message":.*\n400$/);
});

test("a port held by another program is named, and the start undone", { skip }, async () => {
  const holder = startBackground(["busybox", "nc", "-l", "-p", "8081"], { netns: engine.netns });
  while ((await run(["sh", "-c", "ss -ltn | grep -q :8081"], { netns: engine.netns })).code !== 0);
  const result = await engine.tryDocker(["run", "--name", "held", "-p", "8081:80", "busybox", "true"]);
  assert.equal(result.code, 125);
  assert.match(result.stderr, /8081.*address already in use/);
  await engine.docker("rm", "held");
  await holder.signal("SIGKILL");
  assert.deepEqual(await leftovers(engine), []);
});

test("an archive that climbs out of its root changes nothing outside", { skip }, async () => {
  const dir = await mkdtemp(join(tmpdir(), "gantry-escape-"));
  const sentinel = join(dir, "sentinel");
  const attempt = [
    "import io, sys, tarfile",
    "out = tarfile.open(sys.argv[1], 'w')",
    "def add(name, kind, link='', data=b''):",
    "    entry = tarfile.TarInfo(name); entry.type = kind; entry.linkname = link; entry.size = len(data)",
    "    out.addfile(entry, io.BytesIO(data))",
    "target = sys.argv[2]",
    "if sys.argv[3] == 'dots': add('../' * 20 + target[1:], tarfile.REGTYPE, data=b'evil')",
    "if sys.argv[3] == 'absolute': add(target, tarfile.REGTYPE, data=b'evil')",
    "if sys.argv[3] == 'symlink': add('out', tarfile.SYMTYPE, '/'); add('out' + target, tarfile.REGTYPE, data=b'evil')",
    "if sys.argv[3] == 'hardlink': add('hard', tarfile.LNKTYPE, '../' * 20 + target[1:]); add('hard', tarfile.REGTYPE, data=b'evil')",
    "out.close()",
  ].join("\n");
  try {
    await writeFile(sentinel, "untouched");
    for (const kind of ["dots", "absolute", "symlink", "hardlink"]) {
      const archive = join(dir, `${kind}.tar`);
      await must(["python3", "-c", attempt, archive, sentinel, kind]);
      await engine.tryDocker(["import", archive, `escape:${kind}`]);
      assert.equal(await readFile(sentinel, "utf8"), "untouched", kind);
    }
  } finally {
    await rm(dir, { recursive: true, force: true });
    await engine.tryDocker(["image", "prune", "-af"]);
  }
  await importBusybox(engine);
});

test("50 runs at once all work and leave nothing", { skip }, async () => {
  const runs = Array.from({ length: 50 }, (_, index) =>
    engine.docker("run", "--rm", "-e", `N=${index}`, "busybox", "sh", "-c", "echo $N"),
  );
  assert.deepEqual(
    await Promise.all(runs),
    runs.map((_, index) => `${index}`),
  );
  assert.equal(await engine.docker("ps", "-aq"), "");
  while ((await leftovers(engine)).length > 0);
});

test("a full disk fails the pull or run clearly, and the engine goes on", { skip }, async () => {
  const dir = await mkdtemp(join(tmpdir(), "gantry-full-"));
  await must(["mount", "-t", "tmpfs", "-o", "size=8m", "tmpfs", dir]);
  try {
    await using small = await startEngine({ config: { "data-root": dir } });
    await importBusybox(small);
    const result = await small.tryDocker([
      "run",
      "--rm",
      "busybox",
      "dd",
      "if=/dev/zero",
      "of=/big",
      "bs=1M",
      "count=20",
    ]);
    assert.match(result.stderr, /No space left on device/);
    // The files of what was removed go after the answer.
    const alive = () => small.tryDocker(["run", "--rm", "busybox", "echo", "alive"]);
    while ((await alive()).stdout !== "alive\n");
  } finally {
    await must(["umount", dir]);
    await rm(dir, { recursive: true, force: true });
  }
});

test("a daemon refuses a key that it does not support, by name", { skip }, async () => {
  const daemon = startEngine({ config: { "no-such-key": true } });
  await assert.rejects(daemon, /no-such-key/);
});
