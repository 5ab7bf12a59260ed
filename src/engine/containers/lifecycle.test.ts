// Containers from creation to removal over fakes of the layers below.

import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { duplexPair, PassThrough } from "node:stream";
import { type TestContext, test } from "node:test";
import { setImmediate as tick } from "node:timers/promises";
import { Background } from "#base/background.ts";
import { openDatabase } from "#base/database.ts";
import { notFound, systemError } from "#base/errors.ts";
import type { TaskExit } from "#containerd/tasks/tasks.ts";
import { createExec, decodeExecConfig } from "../exec/create.ts";
import { Exec } from "../exec/execs.ts";
import { claimExec, startDetached } from "../exec/start.ts";
import { Filters } from "../filters.ts";
import { attachContainer } from "./attach.ts";
import { createContainer } from "./create.ts";
import { decodeCreateRequest } from "./create-request.ts";
import { inspectContainer } from "./inspect.ts";
import { killContainer } from "./kill.ts";
import { listContainers } from "./list.ts";
import { removeContainer } from "./remove.ts";
import { renameContainer } from "./rename.ts";
import { startContainer } from "./start.ts";
import { stopContainer } from "./stop.ts";
import { containerSchema } from "./store.ts";
import { waitForContainer } from "./wait.ts";
import { type ContainersParts, wireContainers } from "./wiring.ts";

/** A fake task ends when told to. */
class FakeTasks {
  readonly calls: string[] = [];
  readonly ends = new Map<string, PromiseWithResolvers<TaskExit>>();
  startError: Error | undefined;
  dieOn = new Set([9, 15]);
  #pid = 100;

  async create(_scope: unknown, { containerId }: { containerId: string }) {
    this.calls.push("create");
    this.ends.set(containerId, Promise.withResolvers());
    return { pid: this.#pid++ };
  }
  async start() {
    this.calls.push("start");
    if (this.startError !== undefined) throw this.startError;
    return { pid: this.#pid };
  }
  async wait(_scope: unknown, id: string) {
    const end = this.ends.get(id);
    if (end === undefined) throw notFound("task", id);
    return end.promise;
  }
  async kill(_scope: unknown, { containerId }: { containerId: string }, signal: number) {
    this.calls.push(`kill ${signal}`);
    if (this.dieOn.has(signal)) this.exit(containerId, 128 + signal);
  }
  async exec() {
    this.calls.push("exec");
  }
  async delete(_scope: unknown, id: string, execId: string) {
    this.calls.push(execId === "" ? "delete" : `delete ${execId}`);
    if (execId === "") this.ends.delete(id);
    return { exitCode: 0, exitedAt: 0 };
  }
  async attach() {
    this.calls.push("attach");
    const stream = new PassThrough();
    stream.end("hello");
    return stream;
  }
  async list() {
    return [];
  }
  exit(id: string, exitCode: number) {
    this.ends.get(id)?.resolve({ exitCode, exitedAt: 1_000_000 });
  }
}

function setup(t: TestContext) {
  const directory = mkdtempSync(join(tmpdir(), "gantry-life-"));
  t.after(() => rmSync(directory, { recursive: true, force: true }));
  const log: string[] = [];
  const tasks = new FakeTasks();
  const failures: unknown[] = [];
  const background = new Background((error) => failures.push(error));
  let time = 1_700_000_000_000_000_000n;
  const image = { id: "sha256:i", config: { Cmd: ["sh"], Env: ["A=1"] } };
  const database = openDatabase(":memory:", containerSchema);
  const note = (what: string) => async () => void log.push(what);
  const parts: Record<keyof ContainersParts, unknown> = {
    database,
    containerd: {
      tasks,
      containers: { create: note("record"), delete: note("forget record"), list: async () => [] },
      snapshots: {
        prepare: note("prepare"),
        remove: note("remove snapshot"),
        mounts: async () => [
          { destination: "", type: "overlay", options: ["lowerdir=/l", "upperdir=/u/fs", "workdir=/u/work"] },
        ],
      },
      events: { subscribe: async function* () {} },
    },
    networks: {
      open: async (id: string) => `/netns/${id}`,
      attach: async ({ sandboxId, network }: { sandboxId: string; network: string }) => {
        log.push(`attach ${network}`);
        return { id: sandboxId, path: `/netns/${sandboxId}` };
      },
      detach: note("detach"),
      get: () => ({ id: "net1" }),
      list: () => [{ id: "net1", name: "bridge", driver: "bridge" }],
    },
    volumes: {
      create: async () => ({ name: "v1", driver: "local", mountpoint: "/v/v1" }),
      mount: note("mount v1"),
      unmount: note("unmount v1"),
      populate: note("populate v1"),
      remove: note("remove v1"),
    },
    images: {
      resolve: async () => ({
        ...image,
        name: "docker.io/library/busybox:latest",
        chainId: "sha256:c",
      }),
    },
    executor: { run: async () => new Map([[4, [Buffer.from("root:x:0:0::/root:/bin/sh")]]]) },
    events: { publish: ({ action }: { action: string }) => log.push(`event ${action}`) },
    clock: { now: () => (time += 1_000_000n) },
    host: {
      cpus: 2,
      onlineCpus: "0-1",
      onlineMems: "0",
      cgroupVersion: 1,
      capabilities: new Set(["CAP_CHOWN"]),
      hardLimits: new Map(),
      hostname: "h",
      thermalPaths: ["/sys/cpu0/thermal_throttle"],
    },
    seccomp: () => ({ defaultAction: "SCMP_ACT_ALLOW" }),
    background,
    report: (error: unknown) => failures.push(error),
  };
  const settings = {
    containersDir: directory,
    etc: { dns: [], dnsSearch: [], dnsOptions: [], hostGateway: "" },
    defaultLogOptions: {},
  };
  const deps = wireContainers(fake<ContainersParts>(parts), settings, t.signal);
  const create = async (body: object) => {
    const request = decodeCreateRequest({ Image: "busybox", ...body }, { name: "web", platform: "" }, 50);
    const { id } = await createContainer(deps, request, 50, t.signal);
    return deps.containers.get(id);
  };
  const list = () =>
    listContainers(
      deps,
      { all: true, limit: 0, size: false, filters: new Filters(new Map()), minor: 50 },
      t.signal,
    );
  /** As a full disk does. */
  const refuseWrites = (verb: "DELETE" | "UPDATE") =>
    database.exec(
      `CREATE TRIGGER full BEFORE ${verb} ON containers BEGIN SELECT RAISE(ABORT, 'disk is full'); END`,
    );
  const acceptWrites = () => database.exec("DROP TRIGGER full");
  return { deps, create, list, log, tasks, background, failures, image, refuseWrites, acceptWrites };
}

/** What is missing in a fake is not called by the test. */
function fake<T>(parts: unknown): T;
function fake(parts: unknown): unknown {
  return parts;
}

test("a container is created, started, ends and is removed", async (t) => {
  const { deps, create, log, tasks, background, failures } = setup(t);
  const container = await create({});
  assert.deepEqual([container.record.path, container.state.status], ["sh", "created"]);
  await startContainer(deps, container, t.signal);
  assert.equal(container.state.status, "running");
  const waiting = waitForContainer(container, "not-running", t.signal);
  tasks.exit(container.id, 3);
  assert.equal(await waiting, 3);
  assert.equal(container.state.status, "exited");
  await removeContainer(deps, "web", { force: false, volumes: false }, t.signal);
  await background.drain();
  assert.equal(deps.containers.find("web"), undefined);
  assert.deepEqual(
    log.filter((line) => line.startsWith("event")),
    ["event create", "event connect", "event start", "event die", "event disconnect", "event destroy"],
  );
  assert.ok(log.includes("detach") && log.includes("remove snapshot"));
  assert.deepEqual(failures, []);
});

test("a --rm container removes itself, and a waiter for its removal learns its exit code", async (t) => {
  const { deps, create, tasks, log } = setup(t);
  const container = await create({ HostConfig: { AutoRemove: true } });
  const removed = waitForContainer(container, "removed", t.signal);
  await startContainer(deps, container, t.signal);
  tasks.exit(container.id, 7);
  assert.equal(await removed, 7);
  assert.equal(deps.containers.find(container.id), undefined);
  assert.ok(log.indexOf("detach") < log.indexOf("event destroy"), "the address is free before");
});

test("a failed start takes everything back and says why", async (t) => {
  const { deps, create, tasks, log } = setup(t);
  const container = await create({ Cmd: ["nosuch"] });
  tasks.startError = systemError("process.args: execve(2): ENOENT");
  await assert.rejects(startContainer(deps, container, t.signal), {
    kind: "invalid",
    message: /"nosuch": executable file not found in \$PATH/,
  });
  assert.deepEqual([container.state.status, container.state.exitCode], ["created", 127]);
  assert.deepEqual(tasks.calls, ["create", "start", "kill 9", "delete"]);
  assert.ok(log.includes("detach") && log.includes("forget record"));
});

test("a failed start of a --rm container removes it", async (t) => {
  const { deps, create, tasks } = setup(t);
  const container = await create({ HostConfig: { AutoRemove: true } });
  const removed = waitForContainer(container, "removed", t.signal);
  tasks.startError = systemError("process.args: execve(2): EACCES");
  await assert.rejects(startContainer(deps, container, t.signal), /permission denied/);
  assert.equal(await removed, 126);
});

test("a start that cannot be saved leaves nothing running, and says why", async (t) => {
  const { deps, create, tasks, refuseWrites, log } = setup(t);
  const container = await create({});
  refuseWrites("UPDATE");
  await assert.rejects(startContainer(deps, container, t.signal), { message: "disk is full" });
  assert.deepEqual(tasks.calls, ["create", "start", "kill 9", "delete"]);
  assert.equal(container.state.error, "disk is full");
  assert.ok(log.includes("detach"));
});

test("a removal that failed can be tried again, and takes the container's execs along", async (t) => {
  const { deps, create, refuseWrites, acceptWrites } = setup(t);
  const container = await create({});
  deps.execs.add(new Exec("e1", container.id, decodeExecConfig({ Cmd: ["ls"] }, 50)));
  refuseWrites("DELETE");
  await assert.rejects(removeContainer(deps, "web", { force: false, volumes: false }, t.signal));
  acceptWrites();
  await removeContainer(deps, "web", { force: false, volumes: false }, t.signal);
  assert.throws(() => deps.execs.get("e1"), { kind: "notFound" });
});

test("an exec that cannot start leaves nothing behind", async (t) => {
  const { deps, create, tasks } = setup(t);
  await startContainer(deps, await create({}), t.signal);
  const id = createExec(deps, "web", decodeExecConfig({ Cmd: ["nosuch"] }, 50));
  const exec = claimExec(deps, id, { detach: true, consoleSize: undefined });
  tasks.calls.length = 0;
  tasks.startError = systemError("process.args: execve(2): ENOENT");
  await assert.rejects(startDetached(deps, exec, t.signal), { kind: "invalid" });
  assert.deepEqual(tasks.calls, ["exec", "start", `delete ${id}`]);
  await exec.ended;
  assert.equal(exec.exitCode, 126);
});

test("a client that leaves while the history is told is detached from a container yet to start", async (t) => {
  const { deps, create } = setup(t);
  const container = await create({});
  const request = { stdin: false, stdout: true, stderr: true, logs: false, stream: true, detachKeys: "" };
  const attachment = attachContainer(deps, "web", request);
  const [socket] = duplexPair();
  socket.destroy();
  await attachment.serve(socket, t.signal);
  assert.equal(container.pendingAttaches.size, 0);
});

test("a client attached before the start is connected before the process runs", async (t) => {
  const { deps, create, tasks } = setup(t);
  const container = await create({});
  const attachment = attachContainer(deps, "web", {
    stdin: false,
    stdout: true,
    stderr: true,
    logs: false,
    stream: true,
    detachKeys: "",
  });
  const [socket, client] = duplexPair();
  const served = attachment.serve(socket, t.signal);
  await startContainer(deps, container, t.signal);
  assert.deepEqual(tasks.calls, ["create", "attach", "start"]);
  await served;
  assert.equal(String(client.read()), "hello");
});

test("stop sends the stop signal, then loses patience", async (t) => {
  const { deps, create, tasks } = setup(t);
  const container = await create({ StopSignal: "SIGINT" });
  await startContainer(deps, container, t.signal);
  tasks.calls.length = 0;
  await stopContainer(deps, "web", { signal: "", timeout: 0 }, t.signal);
  assert.deepEqual(tasks.calls.slice(0, 2), ["kill 2", "kill 9"]);
  assert.equal(container.state.exitCode, 137);
});

test("a stop signal that only the image could name so is SIGTERM", async (t) => {
  const { deps, create, tasks, image } = setup(t);
  Object.assign(image.config, { StopSignal: "SIGFOO" });
  await startContainer(deps, await create({}), t.signal);
  tasks.calls.length = 0;
  await stopContainer(deps, "web", { signal: "", timeout: undefined }, t.signal);
  assert.deepEqual(tasks.calls, ["kill 15", "delete"]);
});

test("a port that only the image could expose so is refused", async (t) => {
  const { create, image } = setup(t);
  Object.assign(image.config, { ExposedPorts: { "x/y": {} } });
  await assert.rejects(create({}), { kind: "invalid", message: 'invalid port specification: "x/y"' });
});

test("a policy restarts what failed, and a stop ends that", async (t) => {
  const { deps, create, tasks } = setup(t);
  const container = await create({ HostConfig: { RestartPolicy: { Name: "always" } } });
  await startContainer(deps, container, t.signal);
  tasks.exit(container.id, 1);
  await container.until(() => container.state.status === "restarting", t.signal);
  assert.equal(container.state.restartCount, 1);
  await container.until(() => container.state.status === "running", t.signal);
  await killContainer(deps, "web", "KILL", t.signal);
  assert.equal(container.state.status, "exited");
});

test("a running container is removed by force only", async (t) => {
  const { deps, create } = setup(t);
  const container = await create({ Volumes: { "/data": {} } });
  await startContainer(deps, container, t.signal);
  await assert.rejects(removeContainer(deps, "web", { force: false, volumes: false }, t.signal), {
    kind: "conflict",
    message:
      'cannot remove container "web": container is running: stop the container before removing or force remove',
  });
  await removeContainer(deps, "web", { force: true, volumes: true }, t.signal);
  assert.equal(deps.containers.find("web"), undefined);
});

test("a second container cannot have the name", async (t) => {
  const { create } = setup(t);
  const first = await create({});
  await assert.rejects(create({}), {
    kind: "conflict",
    message: `Conflict. The container name "/web" is already in use by container "${first.id}". You have to remove (or rename) that container to be able to reuse that name.`,
  });
});

test("a renamed container is found by its new name only, and the old one is free", async (t) => {
  const { deps, create } = setup(t);
  const { id } = await create({});
  await renameContainer(deps, "web", "shop");
  assert.equal(deps.containers.get("/shop").id, id);
  assert.equal(deps.containers.find("web"), undefined);
  await create({});
});

test("the image is listed by its id once its name stands for another one", async (t) => {
  const { create, list, image } = setup(t);
  await create({});
  assert.deepEqual(
    (await list()).map(({ Image }) => Image),
    ["busybox"],
  );
  image.id = "sha256:j";
  assert.deepEqual(
    (await list()).map(({ Image }) => Image),
    ["sha256:i"],
  );
});

test("the host's thermal paths are masked beside Docker's", async (t) => {
  const { create } = setup(t);
  const { MaskedPaths } = (await create({})).record.hostConfig;
  assert.deepEqual(MaskedPaths?.slice(-2), ["/sys/firmware", "/sys/cpu0/thermal_throttle"]);
});

test("records survive in the database", async (t) => {
  const { deps, create, list } = setup(t);
  const { id } = await create({ Labels: { a: "b" }, HostConfig: { Memory: 10_000_000 } });
  await tick();
  const shown = await inspectContainer(deps, id, { size: false, minor: 50 });
  assert.deepEqual(shown.Name, "/web");
  assert.deepEqual(
    (await list()).map((line) => [line.Command, line.Status]),
    [["sh", "Created"]],
  );
});

for (const [name, body, message] of [
  [
    "an unsupported field",
    { HostConfig: { Init: true } },
    "--init (Init) is not supported by this version of Gantry",
  ],
  ["a small memory limit", { HostConfig: { Memory: 1 } }, "Minimum memory limit allowed is 6MB"],
  [
    "a huge cpuset",
    { HostConfig: { CpusetCpus: "0-2147483647" } },
    "Invalid value 0-2147483647 for cpuset cpus: value of out range, maximum is 8192",
  ],
  [
    "an unknown capability",
    { HostConfig: { CapAdd: ["FOO"] } },
    'invalid CapAdd: unknown capability: "CAP_FOO"',
  ],
  [
    "a relative working directory",
    { WorkingDir: "x" },
    "the working directory 'x' is invalid, it needs to be an absolute path",
  ],
  ["a bad bind mode", { HostConfig: { Binds: ["a:/x:zz"] } }, "invalid mode: zz"],
  [
    "a mount on the root",
    { HostConfig: { Binds: ["/:/"] } },
    "invalid volume specification: '/:/': invalid mount config for type \"bind\": invalid specification: destination can't be '/'",
  ],
  [
    "a policy with --rm",
    { HostConfig: { AutoRemove: true, RestartPolicy: { Name: "always" } } },
    "can't create 'AutoRemove' container with restart policy",
  ],
  ["a bad stop signal", { StopSignal: "FOO" }, "Invalid signal: FOO"],
  [
    "an alias where nobody would find it",
    { NetworkingConfig: { EndpointsConfig: { bridge: { Aliases: ["db"] } } } },
    "network-scoped alias is supported only for containers in user defined networks",
  ],
  [
    "a second network",
    { NetworkingConfig: { EndpointsConfig: { other: {} } } },
    "--network other beside bridge is not supported by this version of Gantry",
  ],
  [
    "an IPv6 address",
    { NetworkingConfig: { EndpointsConfig: { bridge: { IPAMConfig: { IPv6Address: "fd00::2" } } } } },
    "--ip6 is not supported by this version of Gantry",
  ],
] as const)
  test(`${name} is refused`, async (t) => {
    const { create } = setup(t);
    await assert.rejects(create(body), { kind: "invalid", message });
  });
