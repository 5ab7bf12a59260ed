// Kernel parameters of a container: only those that belong to a namespace which is its own.

import { invalid } from "#base/errors.ts";
import type { Plan } from "#kernel/plan/ops.ts";
import type { NamespaceType } from "#spec/oci-runtime.ts";
import { O_CLOEXEC, O_TRUNC, O_WRONLY, PROC_SUPER_MAGIC } from "./linux-flags.table.ts";
import { ROOT_SLOT } from "./slots.ts";

const ipcParameters: ReadonlySet<string> = new Set([
  "kernel.msgmax",
  "kernel.msgmnb",
  "kernel.msgmni",
  "kernel.sem",
  "kernel.shmall",
  "kernel.shmmax",
  "kernel.shmmni",
  "kernel.shm_rmid_forced",
]);

export interface SysctlContext {
  readonly isPrivate: (type: NamespaceType) => boolean;
  readonly hostname: string | undefined;
}

export function planSysctls(
  sysctls: Readonly<Record<string, string>> | undefined,
  context: SysctlContext,
): Plan {
  return Object.entries(sysctls ?? {}).map(([name, value]) => {
    const key = name.replaceAll("/", ".");
    checkSysctl(key, context);
    return {
      op: "write",
      why: `linux.sysctl ${name}`,
      path: `/proc/sys/${fileOf(name)}`,
      root: ROOT_SLOT,
      flags: O_WRONLY | O_TRUNC | O_CLOEXEC,
      data: new TextEncoder().encode(value),
      fsMagic: PROC_SUPER_MAGIC,
    };
  });
}

/** In the dotted form a slash is a dot of the name: "net.ipv4.conf.eth0/1.forwarding" (man 8 sysctl). */
function fileOf(name: string): string {
  const firstSeparator = /[./]/.exec(name)?.[0];
  const path =
    firstSeparator === "/" ? name : name.replace(/[./]/g, (separator) => (separator === "." ? "/" : "."));
  if (path.split("/").some((part) => part === "" || part === "." || part === ".."))
    throw invalid(`sysctl "${name}" is not a valid name`);
  return path;
}

function checkSysctl(key: string, { isPrivate, hostname }: SysctlContext): void {
  const needed = neededNamespace(key);
  if (needed === undefined) throw invalid(`sysctl "${key}" is not in a separate kernel namespace`);
  if (!isPrivate(needed)) throw invalid(refusals[needed](key));
  if (key === "kernel.hostname" && hostname !== undefined && hostname !== "")
    throw invalid(`sysctl "${key}" conflicts with OCI setting of hostname`);
}

type SysctlNamespace = "ipc" | "network" | "uts" | "user";

function neededNamespace(key: string): SysctlNamespace | undefined {
  if (ipcParameters.has(key) || key.startsWith("fs.mqueue.")) return "ipc";
  if (key.startsWith("net.")) return "network";
  if (key.startsWith("user.")) return "user";
  return key === "kernel.domainname" || key === "kernel.hostname" ? "uts" : undefined;
}

const refusals: Readonly<Record<SysctlNamespace, (key: string) => string>> = {
  ipc: (key) => `sysctl "${key}" is not allowed in the hosts ipc namespace`,
  network: (key) => `sysctl "${key}" not allowed in host network namespace`,
  uts: (key) => `sysctl "${key}" is not in a separate kernel namespace`,
  user: (key) => `setting ucounts without a user namespace not allowed: ${key}`,
};
