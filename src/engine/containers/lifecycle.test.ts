// Containers from creation to removal over fakes of the layers below.

import assert from "node:assert/strict";
import { duplexPair } from "node:stream";
import { test } from "node:test";
import { setImmediate as tick } from "node:timers/promises";
import { systemError } from "#base/errors.ts";
import { createExec, decodeExecConfig } from "../exec/create.ts";
import { Exec } from "../exec/execs.ts";
import { claimExec, startDetached } from "../exec/start.ts";
import { openFakeContainers } from "../testing/fake-containers.ts";
import { attachContainer } from "./attach.ts";
import { inspectContainer } from "./inspect.ts";
import { killContainer } from "./kill.ts";
import { removeContainer } from "./remove.ts";
import { renameContainer } from "./rename.ts";
import { startContainer } from "./start.ts";
import { stopContainer } from "./stop.ts";
import { waitForContainer } from "./wait.ts";

test("a container is created, started, ends and is removed", async (t) => {
  const { deps, create, log, tasks, background, failures } = openFakeContainers(t);
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
  const { deps, create, tasks, log } = openFakeContainers(t);
  const container = await create({ HostConfig: { AutoRemove: true } });
  const removed = waitForContainer(container, "removed", t.signal);
  await startContainer(deps, container, t.signal);
  tasks.exit(container.id, 7);
  assert.equal(await removed, 7);
  assert.equal(deps.containers.find(container.id), undefined);
  assert.ok(log.indexOf("detach") < log.indexOf("event destroy"), "the address is free before");
});

test("a failed start takes everything back and says why", async (t) => {
  const { deps, create, tasks, log } = openFakeContainers(t);
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
  const { deps, create, tasks } = openFakeContainers(t);
  const container = await create({ HostConfig: { AutoRemove: true } });
  const removed = waitForContainer(container, "removed", t.signal);
  tasks.startError = systemError("process.args: execve(2): EACCES");
  await assert.rejects(startContainer(deps, container, t.signal), /permission denied/);
  assert.equal(await removed, 126);
});

test("a start that cannot be saved leaves nothing running, and says why", async (t) => {
  const { deps, create, tasks, refuseWrites, log } = openFakeContainers(t);
  const container = await create({});
  refuseWrites("UPDATE");
  await assert.rejects(startContainer(deps, container, t.signal), { message: "disk is full" });
  assert.deepEqual(tasks.calls, ["create", "start", "kill 9", "delete"]);
  assert.equal(container.state.error, "disk is full");
  assert.ok(log.includes("detach"));
});

test("a removal that failed can be tried again, and takes the container's execs along", async (t) => {
  const { deps, create, refuseWrites, acceptWrites } = openFakeContainers(t);
  const container = await create({});
  deps.execs.add(new Exec("e1", container.id, decodeExecConfig({ Cmd: ["ls"] }, 50)));
  refuseWrites("DELETE");
  await assert.rejects(removeContainer(deps, "web", { force: false, volumes: false }, t.signal));
  acceptWrites();
  await removeContainer(deps, "web", { force: false, volumes: false }, t.signal);
  assert.throws(() => deps.execs.get("e1"), { kind: "notFound" });
});

test("an exec that cannot start leaves nothing behind", async (t) => {
  const { deps, create, tasks } = openFakeContainers(t);
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
  const { deps, create } = openFakeContainers(t);
  const container = await create({});
  const request = { stdin: false, stdout: true, stderr: true, logs: false, stream: true, detachKeys: "" };
  const attachment = attachContainer(deps, "web", request);
  const [socket] = duplexPair();
  socket.destroy();
  await attachment.serve(socket, t.signal);
  assert.equal(container.pendingAttaches.size, 0);
});

test("a client attached before the start is connected before the process runs", async (t) => {
  const { deps, create, tasks } = openFakeContainers(t);
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
  const { deps, create, tasks } = openFakeContainers(t);
  const container = await create({ StopSignal: "SIGINT" });
  await startContainer(deps, container, t.signal);
  tasks.calls.length = 0;
  await stopContainer(deps, "web", { signal: "", timeout: 0 }, t.signal);
  assert.deepEqual(tasks.calls.slice(0, 2), ["kill 2", "kill 9"]);
  assert.equal(container.state.exitCode, 137);
});

test("a stop of a process that obeys waits for its exit and for no clock", async (t) => {
  const { deps, create, tasks } = openFakeContainers(t);
  tasks.dieOn.add(15);
  await startContainer(deps, await create({}), t.signal);
  t.mock.timers.enable({ apis: ["setTimeout", "setInterval"] });
  await stopContainer(deps, "web", { signal: "", timeout: undefined }, t.signal);
  assert.deepEqual(
    tasks.calls.filter((call) => call.startsWith("kill")),
    ["kill 15"],
  );
});

test("a stop signal that only the image could name so is SIGTERM", async (t) => {
  const { deps, create, tasks, image } = openFakeContainers(t);
  Object.assign(image.config, { StopSignal: "SIGFOO" });
  await startContainer(deps, await create({}), t.signal);
  tasks.calls.length = 0;
  await stopContainer(deps, "web", { signal: "", timeout: undefined }, t.signal);
  assert.deepEqual(tasks.calls, ["kill 15", "delete"]);
});

test("a port that only the image could expose so is refused", async (t) => {
  const { create, image } = openFakeContainers(t);
  Object.assign(image.config, { ExposedPorts: { "x/y": {} } });
  await assert.rejects(create({}), { kind: "invalid", message: 'invalid port specification: "x/y"' });
});

test("a policy restarts what failed, and a stop ends that", async (t) => {
  const { deps, create, tasks } = openFakeContainers(t);
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
  const { deps, create } = openFakeContainers(t);
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
  const { create } = openFakeContainers(t);
  const first = await create({});
  await assert.rejects(create({}), {
    kind: "conflict",
    message: `Conflict. The container name "/web" is already in use by container "${first.id}". You have to remove (or rename) that container to be able to reuse that name.`,
  });
});

test("a renamed container is found by its new name only, and the old one is free", async (t) => {
  const { deps, create } = openFakeContainers(t);
  const { id } = await create({});
  await renameContainer(deps, "web", "shop");
  assert.equal(deps.containers.get("/shop").id, id);
  assert.equal(deps.containers.find("web"), undefined);
  await create({});
});

test("the image is listed by its id once its name stands for another one", async (t) => {
  const { create, list, image } = openFakeContainers(t);
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
  const { create } = openFakeContainers(t);
  const { MaskedPaths } = (await create({})).record.hostConfig;
  assert.deepEqual(MaskedPaths?.slice(-2), ["/sys/firmware", "/sys/cpu0/thermal_throttle"]);
});

test("records survive in the database", async (t) => {
  const { deps, create, list } = openFakeContainers(t);
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
    { HostConfig: { CpuCount: 1 } },
    "--cpu-count (CpuCount) is not supported by this version of Gantry",
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
    "an address that is none",
    { NetworkingConfig: { EndpointsConfig: { other: { IPAMConfig: { IPv4Address: "300.1.1.1" } } } } },
    "invalid config for network other: invalid endpoint settings:\ninvalid IPv4 address: 300.1.1.1",
  ],
] as const)
  test(`${name} is refused`, async (t) => {
    const { create } = openFakeContainers(t);
    await assert.rejects(create(body), { kind: "invalid", message });
  });
