// Programs that run at points of a container's life, with its state on standard input.

import assert from "node:assert/strict";
import { existsSync, readFileSync, readlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { isRecord } from "#base/decode.ts";
import { planPoststartHooks, planPoststopHooks } from "#libcontainer/hooks/plan-hooks.ts";
import type { Hook, Hooks, Spec } from "#spec/oci-runtime.ts";
import {
  type ContainerMachine,
  cgroupsBelow,
  dockerSpec,
  outcomeOf,
  type SpecChoices,
  skip,
  startContainerMachine,
} from "./container-machine.ts";

const never = new AbortController().signal;
let machine: ContainerMachine;
before(async () => {
  if (skip === false) machine = await startContainerMachine();
});
after(async () => {
  await machine?.[Symbol.asyncDispose]();
});

const shell = (script: string, more: Partial<Hook> = {}): Hook => ({
  path: "/bin/sh",
  args: ["sh", "-c", script],
  env: ["PATH=/bin:/usr/bin"],
  ...more,
});

const withHooks = (script: string, hooks: Hooks, choices: SpecChoices = {}): Spec => ({
  ...dockerSpec(machine.host, machine.makeRoot(), script, choices),
  annotations: { "org.example.$PID": "$PID" },
  hooks,
});

/** What the hook got on standard input. */
function readState(path: string): Readonly<Record<string, unknown>> {
  const state: unknown = JSON.parse(readFileSync(path, "utf8"));
  assert.ok(isRecord(state));
  return state;
}

test("prestart and createRuntime run in the runtime's namespaces, in order, and know the container's pid", {
  skip,
}, async () => {
  const path = (name: string): string => join(machine.folder, name);
  const tell = (name: string): Hook =>
    shell(
      `cat > ${path(name)}; echo ${name} >> ${path("order")}; readlink /proc/self/ns/mnt > ${path("ns")}; pwd > ${path("cwd")}; env > ${path("env")}`,
      { env: ["PATH=/bin:/usr/bin", "A=b c"] },
    );
  const spec = withHooks("true", {
    createRuntime: [tell("runtime")],
    prestart: [tell("first"), tell("second")],
  });
  await using container = await machine.create(spec);
  assert.equal(readFileSync(path("order"), "utf8"), "first\nsecond\nruntime\n");
  assert.equal(readFileSync(path("ns"), "utf8").trim(), readlinkSync("/proc/self/ns/mnt"));
  assert.match(readFileSync(path("env"), "utf8"), /^PATH=\/bin:\/usr\/bin$/m);
  assert.match(readFileSync(path("env"), "utf8"), /^A=b c$/m);
  const { id, bundle, ...state } = readState(path("runtime"));
  assert.deepEqual(state, {
    ociVersion: "1.2.0",
    status: "creating",
    pid: container.shim.initPid,
    annotations: { "org.example.$PID": "$PID" },
  });
  assert.equal(readFileSync(path("cwd"), "utf8"), `${bundle}\n`);
  assert.equal(bundle, join(machine.folder, String(id)));
});

test("createContainer runs in the container's namespaces before the machine's files are gone", {
  skip,
}, async () => {
  const out = join(machine.folder, "create-container");
  const hook = shell(
    `cat > ${out}; mount -t tmpfs none tmp; echo made > tmp/by-hook; readlink /proc/self/ns/mnt > ${out}.ns`,
  );
  await using container = await machine.create(withHooks("cat /tmp/by-hook", { createContainer: [hook] }));
  assert.equal(
    readFileSync(`${out}.ns`, "utf8").trim(),
    readlinkSync(`/proc/${container.shim.initPid}/ns/mnt`),
  );
  assert.equal(readState(out).pid, 1);
  assert.equal(readState(out).status, "creating");
  assert.equal((await outcomeOf(container.shim)).stdout, "made\n");
});

test("startContainer runs in the container as its user, once it is started, with the program's environment", {
  skip,
}, async () => {
  const hook: Hook = {
    path: "/bin/sh",
    args: [
      "sh",
      "-c",
      "cat > /tmp/state; id -u > /tmp/user; env > /tmp/env; grep CapEff /proc/self/status > /tmp/caps",
    ],
  };
  const spec = withHooks("cat /tmp/state /tmp/user /tmp/env /tmp/caps", { startContainer: [hook] });
  const process = { ...spec.process, cwd: "/", user: { uid: 33, gid: 33 }, env: ["PATH=/bin", "OF=program"] };
  await using container = await machine.create({ ...spec, process });
  const { stdout, stderr } = await outcomeOf(container.shim);
  assert.match(
    stdout,
    /^\{"ociVersion":"1\.2\.0","id":"c\d+","status":"created","pid":1,"bundle":".*","annotations":\{.*\}\}33\n[\s\S]*OF=program\n[\s\S]*CapEff:\s*0{16}\n$/,
    stderr,
  );
});

for (const point of ["prestart", "createRuntime", "createContainer"] as const)
  test(`a ${point} hook that fails ends the creation: nothing is left, its words are told, poststop runs`, {
    skip,
  }, async () => {
    const undone = join(machine.folder, `${point}-undone`);
    const hooks = {
      [point]: [shell("true"), shell("echo out; echo no good >&2; exit 7"), shell(`touch ${undone}.never`)],
      poststop: [shell(`cat > ${undone}`)],
    };
    await assert.rejects(machine.create(withHooks("true", hooks)), {
      message: `error running ${point} hook #1: exit status 7, stdout: out\n, stderr: no good\n`,
    });
    assert.ok(!existsSync(`${undone}.never`));
    assert.deepEqual(cgroupsBelow(machine.host, machine.cgroupParent), []);
    assert.equal(readState(undone).status, "stopped");
    assert.equal("pid" in readState(undone), false);
  });

test("a startContainer hook that fails ends the start", { skip }, async () => {
  const hooks = { startContainer: [shell("echo no >&2; exit 1")] };
  await using container = await machine.create(withHooks("true", hooks));
  await assert.rejects(container.shim.start(never), {
    message: "error running startContainer hook #0: exit status 1, stdout: , stderr: no\n",
  });
});

test("a hook is ended at its timeout, a missing one is named", { skip }, async () => {
  await assert.rejects(machine.create(withHooks("true", { prestart: [shell("sleep 60", { timeout: 1 })] })), {
    message: "error running prestart hook #0: hook ran past specified timeout of 1.0s",
  });
  await assert.rejects(
    machine.create(withHooks("true", { createRuntime: [{ path: "/no/such/hook" }] })),
    /error running createRuntime hook #0: exit status 127, .*\/no\/such\/hook: No such file or directory/,
  );
  await assert.rejects(machine.create(withHooks("true", { poststop: [{ path: "hook" }] })), {
    message: "hooks.poststop[0].path must be absolute: hook",
  });
});

test("poststart and poststop run around the program; a poststart hook that fails ends the container", {
  skip,
}, async () => {
  const out = join(machine.folder, "around");
  writeFileSync(out, "");
  const tell = shell(`cat >> ${out}; echo >> ${out}`);
  const spec = withHooks("sleep 1000", { poststart: [tell], poststop: [tell] });
  {
    await using container = await machine.create(spec);
    await container.shim.start(never);
    const [state] = readFileSync(out, "utf8").split("\n");
    assert.match(state ?? "", new RegExp(`"status":"running","pid":${container.shim.initPid},`));
  }
  assert.match(readFileSync(out, "utf8").split("\n")[1] ?? "", /"status":"stopped","bundle"/);

  await using failing = await machine.create(withHooks("sleep 1000", { poststart: [shell("exit 1")] }));
  await assert.rejects(
    failing.shim.start(never),
    /^PlanError: error running poststart hook #0: exit status 1/,
  );
  assert.equal((await failing.shim.wait("", never)).exitCode, 137);
});

test("the plans of the hooks outside a container's plan are its own", { skip }, () => {
  const spec = { ociVersion: "1.2.0", hooks: { poststart: [{ path: "/x" }], poststop: [{ path: "/y" }] } };
  const container = { id: "c", spec, bundle: "/b", environment: ["A=b"] };
  const [start] = planPoststartHooks(container, 5);
  assert.ok(start?.op === "spawn");
  assert.deepEqual(start.env, ["A=b"]);
  assert.deepEqual(start.stdin, ['{"ociVersion":"1.2.0","id":"c","status":"running","pid":5,"bundle":"/b"}']);
  const [stop] = planPoststopHooks(container);
  assert.ok(stop?.op === "spawn");
  assert.deepEqual(stop.stdin, ['{"ociVersion":"1.2.0","id":"c","status":"stopped","bundle":"/b"}']);
});
