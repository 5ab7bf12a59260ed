// The confinement that a security module of the kernel gives the program when it is executed.

import { invalid, unsupported } from "#base/errors.ts";
import type { Op, Plan } from "#kernel/plan/ops.ts";
import type { Process, Spec } from "#spec/oci-runtime.ts";
import type { HostFacts } from "../host-facts.ts";
import { O_CLOEXEC, O_WRONLY, PROC_SUPER_MAGIC } from "../linux-flags.table.ts";

/** Written where /proc is the machine's: a container need not have one. Holds for the next program and what it forks before. */
export function planExecLabel(process: Process, { securityModules }: HostFacts): Plan {
  const { apparmorProfile = "", selinuxLabel = "" } = process;
  return [
    ...(apparmorProfile === "" || apparmorProfile === "unconfined" ? [] : [planAppArmor(apparmorProfile)]),
    ...(selinuxLabel === "" ? [] : [planSelinux(selinuxLabel)]),
  ];

  function planAppArmor(profile: string): Op {
    const why = `process.apparmorProfile ${profile}`;
    if (securityModules?.has("apparmor") !== true)
      throw invalid(`${why}: apparmor is specified in config, but apparmor is disabled or not supported`);
    return planAttribute(why, "apparmor/exec", `exec ${profile}`);
  }

  function planSelinux(label: string): Op {
    if (securityModules?.has("selinux") !== true)
      throw invalid("selinux label is specified in config, but selinux is disabled or not supported");
    return planAttribute(`process.selinuxLabel ${label}`, "exec", label);
  }
}

const planAttribute = (why: string, file: string, text: string): Op => ({
  op: "write",
  why,
  path: `/proc/self/attr/${file}`,
  flags: O_WRONLY | O_CLOEXEC,
  data: new TextEncoder().encode(text),
  fsMagic: PROC_SUPER_MAGIC,
});

export function checkMountLabel({ linux }: Spec): void {
  if (linux?.mountLabel) throw unsupported("linux.mountLabel");
}
