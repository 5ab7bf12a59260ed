// SCMP_ACT_NOTIFY: an agent outside gets the filter's listener when the container is created and answers for its calls.

import assert from "node:assert/strict";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { claimed } from "#base/decode.ts";
import { architectures, syscallNumbers } from "#libcontainer/seccomp/architectures.ts";
import type { Process, Seccomp, Spec } from "#spec/oci-runtime.ts";
import { type Agent, buildProbe, startAgent } from "../attacks/probe.ts";
import {
  attachedIo,
  type ContainerMachine,
  defaultProcess,
  dockerSpec,
  skip as needsRoot,
  outcomeOf,
  startContainerMachine,
} from "./container-machine.ts";

const skip = needsRoot || (process.arch !== "x64" && "the probe speaks x86");
const never = new AbortController().signal;
const ENOMEDIUM = 123;

let machine: ContainerMachine;
let probe: string;
before(async () => {
  if (skip !== false) return;
  machine = await startContainerMachine();
  probe = buildProbe(machine.folder);
});
after(async () => {
  await machine?.[Symbol.asyncDispose]();
});

const x64 = architectures.SCMP_ARCH_X86_64;
const mkdir = x64 === undefined ? 0 : (syscallNumbers(x64).get("mkdir") ?? 0);
let count = 0;
const startTestAgent = (): Promise<Agent> =>
  startAgent(probe, join(machine.folder, `agent-${++count}.sock`), [mkdir, ENOMEDIUM]);

type Told = Readonly<Record<string, unknown>>;

interface Choices {
  readonly calls?: readonly string[];
  readonly process?: Partial<Process>;
  readonly seccomp?: Partial<Seccomp>;
}

function listened(path: string, script: string, { calls = ["mkdir"], ...choices }: Choices = {}): Spec {
  const seccomp = {
    defaultAction: "SCMP_ACT_ALLOW",
    listenerPath: path,
    listenerMetadata: "for the agent",
    syscalls: [{ names: calls, action: "SCMP_ACT_NOTIFY" }],
    ...choices.seccomp,
  };
  const spec = dockerSpec(machine.host, machine.makeRoot(), script, {
    linux: { seccomp },
    ...(choices.process !== undefined && { process: choices.process }),
  });
  return { ...spec, annotations: { costs: "$PID" } };
}

for (const noNewPrivileges of [false, true])
  for (const uid of [0, 1000])
    test(`the agent answers, no_new_privs ${noNewPrivileges}, user ${uid}`, { skip }, async () => {
      await using agent = await startTestAgent();
      const spec = listened(agent.path, "mkdir /tmp/made 2>&1; test -d /tmp/made || ls /proc/self/fd", {
        process: { noNewPrivileges, user: { uid, gid: 0 } },
      });
      await using container = await machine.create(spec);
      const told = claimed<Told>(await agent.next());
      const state = claimed<Told>(told.state);
      const pid = container.shim.initPid;
      assert.deepEqual(told, {
        ociVersion: "1.2.0",
        fds: ["seccompFd"],
        pid,
        metadata: "for the agent",
        state: { ...state, ociVersion: "1.2.0", status: "creating", pid, annotations: { costs: "$PID" } },
      });
      assert.match(String(state.id), /^c\d+$/);
      const { stdout } = await outcomeOf(container.shim);
      assert.equal(stdout, "mkdir: can't create directory '/tmp/made': No medium found\n0\n1\n2\n3\n");
    });

test("a further process has a listener of its own", { skip }, async () => {
  await using agent = await startTestAgent();
  await using container = await machine.create(listened(agent.path, "sleep 1000"));
  await agent.next();
  await container.shim.start(never);
  const pid = await container.shim.exec(
    "more",
    defaultProcess("mkdir /tmp/made 2>&1"),
    attachedIo(false),
    never,
  );
  const told = claimed<Told>(await agent.next());
  assert.equal(told.pid, pid);
  const { status, pid: initPid } = claimed<Told>(told.state);
  assert.deepEqual([status, initPid], ["running", container.shim.initPid]);
  assert.match((await outcomeOf(container.shim, "more")).stdout, /No medium found/);
});

test("calls of the setup itself can be handed over", { skip }, async () => {
  await using agent = await startTestAgent();
  const calls = "execve openat open read close dup3 fcntl sendmsg recvmsg recvfrom capset prctl".split(" ");
  for (const noNewPrivileges of [false, true]) {
    const spec = listened(agent.path, "echo through", { calls, process: { noNewPrivileges } });
    await using container = await machine.create(spec);
    await agent.next();
    assert.equal((await outcomeOf(container.shim)).stdout, "through\n");
  }
});

test("a call whose agent has gone does not exist", { skip }, async () => {
  await using agent = await startTestAgent();
  await using container = await machine.create(listened(agent.path, "mkdir /tmp/made 2>&1"));
  await agent.next();
  await agent[Symbol.asyncDispose]();
  assert.match((await outcomeOf(container.shim)).stdout, /Function not implemented/);
});

test("the flag of the listener is taken, with the others", { skip }, async () => {
  await using agent = await startTestAgent();
  const flags = ["WAIT_KILLABLE_RECV", "TSYNC", "LOG", "SPEC_ALLOW"].map(
    (name) => `SECCOMP_FILTER_FLAG_${name}`,
  );
  await using container = await machine.create(listened(agent.path, "mkdir /x 2>&1", { seccomp: { flags } }));
  await agent.next();
  assert.match((await outcomeOf(container.shim)).stdout, /No medium found/);
});

test("without SCMP_ACT_NOTIFY nobody is told", { skip }, async () => {
  const spec = listened("/no/such/socket", "echo fine", { seccomp: { syscalls: [] } });
  await using container = await machine.create(spec);
  assert.equal((await outcomeOf(container.shim)).stdout, "fine\n");
});

test("without an agent the container is not created", { skip }, async () => {
  for (const path of [join(machine.folder, "nobody.sock"), "@abstract"])
    await assert.rejects(machine.create(listened(path, "true")), /seccomp agent .*connect.*ENOENT/);
  await assert.rejects(machine.create(listened(`/${"x".repeat(120)}`, "true")), /ENAMETOOLONG/);
});
