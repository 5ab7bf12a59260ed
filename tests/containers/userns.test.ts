// --userns-remap and --userns: containers whose root is nobody on the machine, from the same images and volumes as the others.

import assert from "node:assert/strict";
import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { type Engine, hasBridge, startEngine } from "../system/engine.ts";
import { importBusybox } from "../system/images.ts";
import { differences, type MachineState, readMachineState } from "../system/machine-state.ts";
import { must, run } from "../system/process.ts";
import { startRealContainerd } from "../system/real-containerd.ts";
import { giveRange } from "./subordinate-ids.ts";

const skip = process.getuid?.() !== 0 && "needs root";
const USER = "games";
const BASE = 1_500_000_000;
const PRIVATE = 1_600_000_000;
const SIZE = 65_536;

interface Suite {
  readonly engine: Engine;
  /** The container ends with the test. */
  start(name: string, ...args: string[]): Promise<AsyncDisposable & { readonly pid: number }>;
}

/** A daemon with live-restore; everything of it is looked for when it has ended. */
function openSuite(config: Readonly<Record<string, unknown>>): Suite {
  const open = new AsyncDisposableStack();
  let engine: Engine | undefined;
  let machine: MachineState;
  before(async () => {
    machine = readMachineState();
    open.use(giveRange(`${USER}:${BASE}:${SIZE}`));
    open.use(giveRange(`containers:${PRIVATE}:${2 * SIZE}`));
    engine = open.use(await startEngine({ mode: 0o711, config: { "live-restore": true, ...config } }));
    await importBusybox(engine);
  });
  after(async () => {
    const dir = suite.engine.dir;
    await open.disposeAsync();
    const left = differences(machine, readMachineState()).filter((line) => line.includes(dir));
    assert.deepEqual(left, []);
    assert.doesNotMatch(readFileSync("/etc/subuid", "utf8"), new RegExp(`:(${BASE}|${PRIVATE}):`));
  });
  const suite: Suite = {
    get engine() {
      assert.ok(engine);
      return engine;
    },
    start: async (name, ...args) => {
      await suite.engine.docker("run", "-d", "--name", name, ...args);
      const pid = Number(await suite.engine.docker("inspect", "-f", "{{.State.Pid}}", name));
      return {
        pid,
        [Symbol.asyncDispose]: async () => void (await suite.engine.docker("rm", "-fv", name)),
      };
    },
  };
  return suite;
}

const statusOf = (pid: number, field: string): string =>
  new RegExp(`^${field}:\\s*(.*)$`, "m").exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1] ?? "";

const sleeper = ["busybox", "sleep", "1000"];
const namespaces = ({ dir }: Engine): readonly string[] => readdirSync(join(dir, "exec/netns"));
const owner = (path: string): readonly number[] => {
  const { uid, gid } = statSync(path);
  return [uid, gid];
};

describe("--userns-remap", { skip }, () => {
  const suite = openSuite({ "userns-remap": USER });
  const docker = (...args: string[]) => suite.engine.docker(...args);
  const refused = async (...args: string[]): Promise<string> => {
    const { code, stderr } = await suite.engine.tryDocker(["run", "--rm", ...args, "busybox", "true"]);
    assert.equal(code, 125);
    return stderr;
  };

  test("root inside is an id without rights outside", async () => {
    await using box = await suite.start("box", ...sleeper);
    assert.equal(statusOf(box.pid, "Uid"), Array(4).fill(BASE).join("\t"));
    assert.match(readFileSync(`/proc/${box.pid}/uid_map`, "utf8"), /^\s*0\s+1500000000\s+65536\n$/);
    assert.match(readFileSync(`/proc/${box.pid}/gid_map`, "utf8"), /^\s*0\s+1500000000\s+65536\n$/);
    assert.match(await docker("info", "-f", "{{.SecurityOptions}}"), /name=userns/);
    const inside = "id -u; stat -c %u:%g /bin /etc/hosts /dev/shm; cat /proc/kcore";
    const { stdout, code } = await suite.engine.tryDocker(["exec", "box", "sh", "-c", inside]);
    assert.equal(stdout, "0\n0:0\n0:0\n0:0\n");
    assert.notEqual(code, 0);
  });

  test("it has every right over its own network and none over the machine's", async () => {
    const admin = ["run", "--rm", "--cap-add", "NET_ADMIN", "--cap-add", "SYS_ADMIN", "busybox", "sh", "-c"];
    const own = "ip link set lo down && ip link set lo up && mkdir /m && mount -t tmpfs t /m && echo done";
    assert.equal(await docker(...admin, own), "done");
    const others =
      "mknod /d b 8 0 || echo 1; mount -t ext4 /dev/null /mnt || echo 2; echo 1 >/proc/sys/kernel/panic || echo 3";
    assert.equal(await docker(...admin, others), "1\n2\n3");
  });

  test("layers and volumes hold plain ids, a directory of the host belongs to whom it belongs", async () => {
    const host = join(suite.engine.dir, "host/new");
    const script =
      "cp /bin/busybox /own; chmod 4755 /own; touch /v/f /h/f; echo mine >/etc/hosts; stat -c %u /h";
    {
      await using _ = await suite.start("files", "-v", "data:/v", "-v", `${host}:/h`, ...sleeper);
      assert.equal(await docker("exec", "files", "sh", "-c", script), "0");
      const data = await docker("volume", "inspect", "-f", "{{.Mountpoint}}", "data");
      assert.deepEqual(owner(join(data, "f")), [0, 0]);
      assert.deepEqual(owner(host), [BASE, BASE]); // made for it
      assert.deepEqual(owner(join(host, "f")), [BASE, BASE]);
    }
    // The same volume, unmapped and mapped.
    const show = ["-v", "data:/v", "busybox", "stat", "-c", "%u:%g", "/v/f"];
    assert.equal(await docker("run", "--rm", "--userns", "host", ...show), "0:0");
    assert.equal(await docker("run", "--rm", ...show), "0:0");
    await docker("volume", "rm", "data");
  });

  test("a file of the host's root is nobody's inside, and stays as it is", async () => {
    const directory = join(suite.engine.dir, "roots");
    await mkdir(directory, { mode: 0o755 });
    await writeFile(join(directory, "secret"), "s", { mode: 0o600 });
    const script = "stat -c %u /h/secret; cat /h/secret || echo no; touch /h/new || echo no";
    assert.equal(
      await docker("run", "--rm", "-v", `${directory}:/h`, "busybox", "sh", "-c", script),
      "65534\nno\nno",
    );
  });

  test("the mapped id reaches nothing of the daemon's, so that setuid files in layers are out of reach", async () => {
    await using _ = await suite.start("suid", "busybox", "sh", "-c", "chmod 4755 /bin/busybox; sleep 1000");
    const ids = ["setpriv", `--reuid=${BASE}`, `--regid=${BASE}`, "--clear-groups"];
    for (const name of ["containerd", "containers", "volumes"]) {
      const path = join(suite.engine.dir, "root", name);
      assert.ok(existsSync(path));
      assert.notEqual((await run([...ids, "ls", path])).code, 0, name);
      assert.notEqual((await run([...ids, "touch", join(path, "x")])).code, 0, name);
    }
  });

  test("users, groups, streams and terminals are the container's", async () => {
    const www = (...args: string[]) => docker("run", "--rm", "-u", "www", ...args);
    assert.equal(await www("busybox", "sh", "-c", "echo out >/dev/stdout; id -u"), "out\n33");
    const { stdout } = await suite.engine.tryDocker(
      ["run", "--rm", "-i", "-u", "www", "busybox", "sh", "-c", "cat </dev/stdin; echo e >/dev/stderr"],
      { input: "in\n" },
    );
    assert.equal(stdout, "in\n");
    assert.match(await www("-t", "busybox", "stat", "-c", "%u:%g", "/dev/pts/0"), /^33:5/);
  });

  test("exec, cp both ways, diff, export, commit and logs show the container's ids", async () => {
    await using _ = await suite.start("work", "busybox", "sh", "-c", "echo log; touch /root/r; sleep 1000");
    const source = join(suite.engine.dir, "copied");
    await writeFile(source, "x");
    const listed = async (...args: string[]): Promise<string> =>
      await must(["sh", "-c", `docker ${args.join(" ")} | tar tv --numeric-owner`], {
        netns: suite.engine.netns,
        env: { DOCKER_HOST: suite.engine.host },
      });
    for (const state of ["running", "stopped"]) {
      if (state === "stopped") await docker("stop", "-t0", "work");
      await docker("cp", source, `work:/root/${state}`);
      assert.match(await listed("cp", "work:/root", "-"), new RegExp(` 0/0 .* root/${state}\n`), state);
      assert.match(await listed("export", "work"), new RegExp(` 0/0 .* root/${state}\n`), state);
      assert.match(await docker("diff", "work"), new RegExp(`^A /root/${state}$`, "m"));
    }
    assert.equal(await docker("logs", "work"), "log");
    await docker("start", "work");
    const count = "stat -c %u /root/r /root/running /root/stopped";
    assert.equal(await docker("exec", "work", "sh", "-c", count), "0\n0\n0");
    await docker("commit", "work", "kept");
    for (const mode of ["host", ""])
      assert.equal(await docker("run", "--rm", "--userns", mode, "kept", "stat", "-c", "%u", "/root/r"), "0");
    await docker("rmi", "kept");
  });

  test("a volume gets the image's files, and a health check runs", async () => {
    const check = ["--health-cmd", "test -w /root", "--health-interval", "100ms"];
    await using _ = await suite.start("full", "-v", "/etc", ...check, ...sleeper);
    assert.equal(await docker("exec", "full", "stat", "-c", "%u", "/etc/passwd"), "0");
    const status = "docker inspect -f '{{.State.Health.Status}}' full";
    await must(["sh", "-c", `for i in $(seq 200); do [ $(${status}) = healthy ] && exit; done; exit 1`], {
      netns: suite.engine.netns,
      env: { DOCKER_HOST: suite.engine.host },
    });
  });

  test("who shares a namespace shares the user namespace, too", async () => {
    await using donor = await suite.start("donor", "--ipc", "shareable", ...sleeper);
    const join = (...args: string[]) =>
      docker("run", "--rm", ...args, "busybox", "readlink", "/proc/self/ns/user");
    const own = await docker("exec", "donor", "readlink", "/proc/self/ns/user");
    for (const flag of ["--network", "--ipc", "--pid"])
      assert.equal(await join(flag, "container:donor"), own);
    const change = ["--cap-add", "NET_ADMIN", "--network", "container:donor", "busybox"];
    await docker("run", "--rm", ...change, "ip", "addr", "add", "10.1.2.3/32", "dev", "lo");
    assert.match(await docker("exec", "donor", "ip", "addr"), /10\.1\.2\.3/);
    const kept = [
      "--pid",
      "container:donor",
      "busybox",
      "sh",
      "-c",
      "ps | grep -c '[s]leep 1000'; ip link set lo up",
    ];
    assert.equal(await docker("run", "--rm", "--cap-add", "NET_ADMIN", ...kept), "1");
    assert.equal(
      await docker("run", "--rm", "--userns", "host", "--network", "container:donor", "busybox", "id", "-u"),
      "0",
    );
    assert.ok(donor.pid > 0);
  });

  test("what needs the machine's user namespace is refused in Docker's words", async () => {
    const privileged =
      /privileged mode is incompatible with user namespaces\. {2}You must run the container in the host namespace when running privileged mode/;
    assert.match(await refused("--privileged"), privileged);
    assert.match(
      await refused("--net", "host"),
      /cannot share the host's network namespace when user namespaces are enabled/,
    );
    assert.match(
      await refused("--pid", "host"),
      /cannot share the host PID namespace when user namespaces are enabled/,
    );
    const host = ["run", "--rm", "--userns", "host", "--privileged", "--pid", "host", "busybox"];
    assert.match(await docker(...host, "cat", "/proc/self/uid_map"), /^\s*0\s+0\s+4294967295$/);
  });

  test("the daemon may crash meanwhile: the container and its namespaces go on, and go with it", async () => {
    await suite.engine.restart(); // waits for what goes after the answer
    assert.deepEqual(namespaces(suite.engine), []);
    {
      await using box = await suite.start("survivor", "--ipc", "shareable", ...sleeper);
      assert.equal(namespaces(suite.engine).length, 2);
      await suite.engine.kill();
      await suite.engine.restart();
      assert.equal(statusOf(box.pid, "Uid").split("\t")[0], String(BASE));
      assert.equal(await docker("exec", "survivor", "id", "-u"), "0");
      await docker("run", "--rm", "--network", "container:survivor", "busybox", "true");
      await docker("restart", "-t0", "survivor");
      if (hasBridge) assert.match(await docker("exec", "survivor", "ip", "addr"), /eth0/);
      await suite.engine.kill();
      const pid = Number(await must(["pgrep", "-n", "-u", String(BASE), "sleep"]));
      process.kill(pid, "SIGKILL");
      await suite.engine.restart();
      await docker("wait", "survivor");
    }
    await suite.engine.restart();
    assert.deepEqual(namespaces(suite.engine), []);
  });
});

describe("--userns private", { skip }, () => {
  const suite = openSuite({});

  /** The docker client knows no such mode, the API does. */
  async function create(name: string, hostConfig: object = {}): Promise<string> {
    const body = {
      Image: "busybox",
      Cmd: ["sleep", "1000"],
      HostConfig: { UsernsMode: "private", ...hostConfig },
    };
    return must([
      ...["curl", "-s", "--unix-socket", suite.engine.socket, "-H", "Content-Type: application/json"],
      ...["-d", JSON.stringify(body), `http://d/v1.47/containers/create?name=${name}`],
    ]);
  }
  const rangeOf = async (name: string): Promise<number> => {
    await suite.engine.docker("start", name);
    const map = await suite.engine.docker("exec", name, "cat", "/proc/self/uid_map");
    return Number(map.trim().split(/\s+/)[1]);
  };

  test("each has ids of its own, also after a crash, until it is removed", async () => {
    for (const name of ["first", "second"]) await create(name);
    assert.deepEqual([await rangeOf("first"), await rangeOf("second")], [PRIVATE, PRIVATE + SIZE]);
    assert.match(
      await create("third"),
      /no 65536 subordinate ids are left for a container with --userns private/,
    );
    await suite.engine.kill();
    await suite.engine.restart();
    assert.match(await create("third"), /no 65536 subordinate ids are left/);
    assert.equal(
      await suite.engine.docker("inspect", "-f", "{{.HostConfig.UsernsMode}}", "second"),
      "private",
    );
    await suite.engine.docker("rm", "-f", "first");
    await create("third");
    assert.equal(await rangeOf("third"), PRIVATE);
    await suite.engine.docker("rm", "-f", "second", "third");
    await suite.engine.restart(); // waits for what goes after the answer
    assert.deepEqual(namespaces(suite.engine), []);
  });

  test("another's namespaces are out of reach, and so is the host's", async () => {
    for (const name of ["one", "two"])
      await create(name, name === "two" ? { NetworkMode: "container:one" } : {});
    await suite.engine.docker("start", "one");
    const { code, stderr } = await suite.engine.tryDocker(["start", "two"]);
    assert.equal(code, 1);
    assert.match(stderr, /cannot share a namespace of container one: it has another user namespace/);
    assert.match(
      await create("three", { Privileged: true }),
      /privileged mode is incompatible with user namespaces/,
    );
    await suite.engine.docker("rm", "-f", "one", "two");
  });
});

test("a user that is none, or has no ranges, keeps the daemon from starting", { skip }, async () => {
  const fails = (user: string): Promise<void> =>
    startEngine({ mode: 0o711, config: { "userns-remap": user } }).then((engine) =>
      engine[Symbol.asyncDispose](),
    );
  await assert.rejects(
    fails("nosuch"),
    /Error during uid lookup for "nosuch": getent unable to find entry "nosuch"/,
  );
  await assert.rejects(fails("daemon"), /Can't create ID mappings: no subuid ranges found for user "daemon"/);
  using _ = giveRange(`${USER}:${BASE}:${SIZE}`);
  const closed = startEngine({ mode: 0o700, config: { "userns-remap": USER } });
  await assert.rejects(
    closed,
    /restricts access to the remapped root uid\/gid; please fix by allowing 'o\+x'/,
  );
});

for (const kind of ["gantry-containerd", "a real containerd"])
  test(`--userns-remap with ${kind}: layers hold plain ids, the container sees its own`, {
    skip,
  }, async () => {
    await using open = new AsyncDisposableStack();
    open.use(giveRange(`${USER}:${BASE}:${SIZE}`));
    const flags =
      kind === "a real containerd" ? ["--containerd", open.use(await startRealContainerd()).socket] : [];
    const config = { "userns-remap": USER };
    const mode = flags.length === 0 ? ({ containerd: "separate" } as const) : {};
    await using engine = await startEngine({ mode: 0o711, config, flags, ...mode });
    const docker = (...words: readonly string[]) => engine.docker(...words);
    await importBusybox(engine);
    await using _box = {
      [Symbol.asyncDispose]: async () => void (await engine.tryDocker(["rm", "-f", "box"])),
    };
    const write = "touch /made; chown 5:6 /made; sleep 1000";
    await docker("run", "-d", "--name", "box", "busybox", "sh", "-c", write);
    const pid = Number(await docker("inspect", "-f", "{{.State.Pid}}", "box"));
    assert.equal(statusOf(pid, "Uid"), Array(4).fill(BASE).join("\t"));
    await docker("cp", "/etc/passwd", "box:/copied");
    const look = [
      "until [ $(stat -c %u /made) = 5 ]; do :; done; stat -c %u:%g /made /copied /bin /.dockerenv",
    ];
    const ids = "5:6\n0:0\n0:0\n0:0";
    assert.equal(await docker("exec", "box", "sh", "-c", ...look), ids);
    assert.match(await docker("diff", "box"), /^A \/made$/m);
    await docker("commit", "box", "image");
    assert.equal(await docker("run", "--rm", "image", "sh", "-c", ...look), ids);
    assert.equal(await docker("run", "--rm", "--userns", "host", "image", "sh", "-c", ...look), ids);
  });
