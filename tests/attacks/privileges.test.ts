// What a container's processes are and may do: capabilities, users, groups, keyrings, sessions.

import { execFileSync } from "node:child_process";
import { chmodSync, chownSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { architectures, syscallNumbers } from "#libcontainer/seccomp/architectures.ts";
import type { Process, Spec } from "#spec/oci-runtime.ts";
import {
  attachedIo,
  defaultProcess,
  dockerSpec,
  outcomeOf,
  runScript,
  type SpecChoices,
} from "../libcontainer/container-machine.ts";
import { testAttack } from "./attack.ts";
import { buildProbe, putProbe } from "./probe.ts";
import { type AttackedMachine, both, instead, without } from "./weakened.ts";

const never = new AbortController().signal;

/** What the init prints, and a further process. */
async function runBoth(
  machine: AttackedMachine,
  script: string,
  choices: SpecChoices & { readonly root?: string; readonly more?: Partial<Process> } = {},
): Promise<readonly string[]> {
  const root = choices.root ?? machine.makeRoot();
  const init = await runScript(machine, script, { ...choices, root });
  await using container = await machine.create(dockerSpec(machine.host, root, "sleep 1000", choices));
  await container.shim.start(never);
  const process = { ...defaultProcess(script), ...choices.process, ...choices.more };
  await container.shim.exec("more", process, attachedIo(false), never);
  const more = await outcomeOf(container.shim, "more");
  return [init, more].map(({ stdout, stderr }) => {
    if (stdout === "") throw new Error(`the script says nothing: ${stderr}`);
    return stdout;
  });
}

/** Capability sets of a process that are not as wanted. */
const unlike = (found: readonly string[], wanted: Readonly<Record<string, string>>): string =>
  found
    .flatMap((status) => [...status.matchAll(/^(Cap\w+):\s*(\w+)$/gm)])
    .filter(([, set = "", mask]) => set in wanted && mask !== wanted[set])
    .map(([line]) => line)
    .join();
const none = "0".repeat(16);
const docker = "00000000a80425fb";
const everything = "grep Cap /proc/self/status";

testAttack({
  name: "CVE-2022-24769, -27649 to -27651, -29162: the inheritable set is empty, for run, exec and exec with all capabilities",
  weakening: { plan: instead("capset", (op) => [{ ...op, inheritable: op.permitted }]) },
  attempt: async (machine) => {
    const root = machine.makeRoot();
    const plain = await runBoth(machine, everything, { root });
    const all = ["CAP_SYS_ADMIN", "CAP_NET_ADMIN", "CAP_CHOWN"];
    const capabilities = { bounding: all, effective: all, permitted: all };
    const privileged = await runBoth(machine, everything, { root, more: { capabilities } });
    return unlike([...plain, ...privileged], { CapInh: none, CapAmb: none });
  },
});

testAttack({
  name: "CVE-2016-8867: a user other than root has no capabilities, none ambient either",
  weakening: {
    plan: instead("capset", (op) =>
      op.why === "process.capabilities"
        ? [
            { ...op, inheritable: 0x400n },
            { op: "capAmbient", why: "weakened", mask: 0x400n },
          ]
        : [op],
    ),
  },
  attempt: async (machine) => {
    const user = { uid: 1000, gid: 1000 };
    const found = await runBoth(machine, everything, { process: { user } });
    return unlike(found, { CapInh: none, CapPrm: none, CapEff: none, CapAmb: none, CapBnd: docker });
  },
});

testAttack({
  name: "CVE-2021-20188: a further process has no capabilities that it was not given",
  weakening: { plan: both(without("capset"), without("capBounding")) },
  attempt: async (machine) => {
    const found = await runBoth(machine, everything);
    return unlike(found, { CapPrm: docker, CapEff: docker, CapBnd: docker });
  },
});

testAttack({
  name: "CVE-2022-36109, 2023-25173, 2022-2989: supplementary groups are the given ones: a file that denies a group denies it",
  weakening: { plan: without("setgroups") },
  attempt: async (machine) => {
    const root = machine.makeRoot((path) => {
      writeFileSync(join(path, "work/denied"), "read\n");
      chownSync(join(path, "work/denied"), 5, 7);
      chmodSync(join(path, "work/denied"), 0o604);
    });
    const user = { uid: 1000, gid: 100, additionalGids: [100, 7, 2000] };
    const found = await runBoth(machine, "id -G; cat /work/denied 2>/dev/null; true", {
      root,
      process: { user },
    });
    return found.filter((text) => text !== "100 7 2000\n").join();
  },
});

testAttack({
  name: "groups of the machine's daemon do not go along, even if no others are asked for",
  weakening: { plan: instead("setgroups", (op) => [{ ...op, gids: [0, 4] }]) },
  attempt: async (machine) => {
    const found = await runBoth(machine, "id -G", { process: { user: { uid: 1000, gid: 100 } } });
    return found.filter((text) => text !== "100\n").join();
  },
});

testAttack({
  name: "no_new_privs: a set-user-ID program of the image gains nothing",
  // A filter would need a right that the user has not.
  weakening: {
    plan: both(
      without("prctl", ({ option }) => option === PR_SET_NO_NEW_PRIVS),
      without("seccomp"),
    ),
  },
  attempt: async (machine) => {
    const root = machine.makeRoot((path) => {
      putProbe(buildProbe(machine.folder))(path);
      chmodSync(join(path, "bin/probe"), 0o4755);
    });
    const process = { noNewPrivileges: true, user: { uid: 1000, gid: 1000 } };
    const found = await runBoth(machine, `probe call ${numberOf("geteuid")} 0`, { root, process });
    return found.filter((text) => text !== "1000\n").join();
  },
});

const PR_SET_NO_NEW_PRIVS = 38;

function numberOf(name: string): number {
  const x64 = architectures.SCMP_ARCH_X86_64;
  return x64 === undefined ? 0 : (syscallNumbers(x64).get(name) ?? 0);
}

/** A specification with another user than the plan would take. */
const refusedUser = async (machine: AttackedMachine, uid: number): Promise<string> => {
  const spec: Spec = dockerSpec(machine.host, machine.makeRoot(), "id -u", {
    process: { user: { uid, gid: 0 } },
  });
  try {
    await using container = await machine.create(spec);
    return (await outcomeOf(container.shim)).stdout;
  } catch {
    return "";
  }
};

testAttack({
  name: "CVE-2024-40635, 2026-46680: a user beyond 32 bits does not wrap to root",
  // As a kernel would take the lower half of it.
  weakening: { unchecked: true },
  attempt: async (machine) => {
    let found = "";
    for (const uid of [2 ** 32, -1, 2 ** 32 - 1, 2 ** 16 * 2 ** 16, 0.5])
      found += await refusedUser(machine, uid);
    return found;
  },
});

testAttack({
  name: "the session keyring is the container's own, for run and exec, even without a seccomp profile",
  weakening: { plan: without("joinSessionKeyring") },
  attempt: async (machine) => {
    const probe = buildProbe(machine.folder);
    const root = machine.makeRoot(putProbe(probe));
    const which = `probe call ${numberOf("keyctl")} 0 -3 0`; // KEYCTL_GET_KEYRING_ID of the session's
    const [init, more] = await runBoth(machine, which, { root, linux: { seccomp: allowAll } });
    const own = execFileSync(probe, which.split(" ").slice(1), { encoding: "utf8" });
    return [init, more].filter((serial) => serial === own).join();
  },
});
const allowAll = { defaultAction: "SCMP_ACT_ALLOW" };

testAttack({
  name: "TIOCSTI and the like: a container has a session of its own, without the caller's terminal",
  weakening: { plan: without("setsid") },
  attempt: async (machine) => {
    const found = await runBoth(machine, "cat /proc/self/stat");
    return found
      .map((stat) =>
        stat
          .trim()
          .replace(/^.*\) /, "")
          .split(" "),
      )
      .filter(([, , , session, terminal]) => session === "0" || terminal !== "0")
      .join();
  },
});

testAttack({
  name: "the process that waits for the start has given up its rights already",
  weakening: { plan: both(without("capBounding"), without("setgroups")) },
  attempt: async (machine) => {
    const spec = dockerSpec(machine.host, machine.makeRoot(), "true");
    await using container = await machine.create(spec);
    const status = readFileSync(`/proc/${container.shim.initPid}/status`, "utf8");
    return unlike([status], { CapBnd: docker });
  },
});
