// Handles of the machine that a container must not get: open descriptors, and working directories that lead through them.

import { mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Op, Plan } from "#kernel/plan/ops.ts";
import type { Process } from "#spec/oci-runtime.ts";
import {
  attachedIo,
  type ContainerMachine,
  defaultProcess,
  dockerSpec,
  outcomeOf,
  runScript,
} from "../libcontainer/container-machine.ts";
import { testAttack } from "./attack.ts";
import { anyDirectory, beforeCalls, without } from "./weakened.ts";

const never = new AbortController().signal;

/** The init's output and a further process's. */
async function runBoth(
  machine: ContainerMachine,
  script: string,
  process: Partial<Process> = {},
): Promise<string[]> {
  const root = machine.makeRoot();
  const init = await runScript(machine, script, { root, process });
  await using container = await machine.create(dockerSpec(machine.host, root, "sleep 1000"));
  await container.shim.start(never);
  await container.shim.exec("more", { ...defaultProcess(script), ...process }, attachedIo(false), never);
  const more = await outcomeOf(container.shim, "more");
  return [init.stdout, more.stdout];
}

testAttack({
  name: "CVE-2015-3627: a program finds only its standard streams open",
  // The descriptors of the slots, and those that the shim has, stay open beyond execve.
  weakening: {
    native: [beforeCalls("if (number == SYS_dup3) a[2] = 0;")],
    plan: without("cloexecFrom"),
  },
  attempt: async (machine) => {
    const found = await runBoth(machine, "ls /proc/self/fd | tr '\\n' ' '");
    return found.filter((list) => list !== "0 1 2 3 ").join();
  },
});

/** As runc had it: a directory of the machine stays open until the program runs. */
const SLOT = 20;
const leak =
  (path: string) =>
  (op: Op): Plan => [op, { op: "open", why: "leak", path, flags: 0o10000000, slot: SLOT }];
/** While the machine's root is in sight. */
const leakOf = (path: string) => (plan: Plan) =>
  plan.flatMap((op, index) => (index === 0 ? leak(path)(op) : [op]));

const reach = async (machine: ContainerMachine, cwd: string): Promise<string> => {
  const secret = join(machine.folder, "secret");
  mkdirSync(secret, { recursive: true });
  writeFileSync(join(secret, "sentinel"), "of the machine");
  const root = machine.makeRoot((path) => {
    for (let fd = 3; fd < 100; fd++) symlinkSync(`/proc/self/fd/${fd}`, join(path, `link${fd}`));
  });
  const script = `cat ..${secret}/sentinel ../..${secret}/sentinel ${"../".repeat(20)}${secret}/sentinel 2>/dev/null`;
  const init = await runScript(machine, script, { root, process: { cwd } }).then(
    ({ stdout }) => stdout,
    () => "",
  );
  await using container = await machine.create(dockerSpec(machine.host, root, "sleep 1000"));
  await container.shim.start(never);
  const process = { ...defaultProcess(script), cwd };
  const started = await container.shim.exec("more", process, attachedIo(false), never).catch(() => undefined);
  return init + (started === undefined ? "" : (await outcomeOf(container.shim, "more")).stdout);
};

testAttack({
  name: "CVE-2024-21626: no descriptor is a working directory, for run and for exec",
  weakening: {
    plan: leakOf("/"),
    unchecked: true,
    native: [anyDirectory],
  },
  attempt: async (machine) => {
    let found = "";
    for (const fd of [3, 4, 7, 10, 64, 66, 84, 93, 96]) found += await reach(machine, `/proc/self/fd/${fd}`);
    return found;
  },
});

testAttack({
  name: "CVE-2024-21626: nor is one that a symlink of the image leads to, even if a directory of the machine is open",
  weakening: { plan: leakOf("/"), native: [anyDirectory] },
  attempt: async (machine) => {
    let found = "";
    for (const fd of [3, 10, 64 + SLOT, 96]) found += await reach(machine, `/link${fd}`);
    return found;
  },
});
