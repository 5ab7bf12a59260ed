// Docker's default container as a specification, for programs that have none of their own.

import {
  defaultMaskedPaths,
  defaultMounts,
  defaultPath,
  defaultReadonlyPaths,
} from "#engine/containers/oci-defaults.table.ts";
import type { Mount, Process, Resources, Seccomp, Spec } from "#spec/oci-runtime.ts";

export interface SandboxOptions {
  /** The root file system: a directory. */
  readonly root: string;
  readonly args: readonly string[];
  readonly env?: readonly string[];
  readonly cwd?: string;
  readonly uid?: number;
  readonly gid?: number;
  readonly hostname?: string;
  readonly terminal?: boolean;
  /** Default true. */
  readonly readonly?: boolean;
  /** Besides those of every container. */
  readonly mounts?: readonly Mount[];
  readonly resources?: Resources;
  /** Default none. */
  readonly capabilities?: readonly string[];
}

/** A sandboxed program neither looks at its limits nor talks to others: those mounts cost as much time as all others together. */
const sandboxMounts = defaultMounts.filter(({ type }) => type !== "cgroup" && type !== "mqueue");

/** What Docker denies is denied, and more: no capabilities, no network but a loopback, a root that cannot be written. */
export function sandboxSpec(options: SandboxOptions, seccomp: Seccomp): Spec {
  const { root, hostname = "sandbox", readonly = true, mounts = [], resources = {} } = options;
  return {
    ociVersion: "1.2.0",
    root: { path: root, readonly },
    hostname,
    process: sandboxProcess(options),
    mounts: [...sandboxMounts, ...mounts],
    linux: {
      namespaces: (["mount", "uts", "pid", "ipc", "network"] as const).map((type) => ({ type })),
      resources: { devices: [{ allow: false, access: "rwm" }], ...resources },
      maskedPaths: defaultMaskedPaths,
      readonlyPaths: defaultReadonlyPaths,
      seccomp,
    },
  };
}

export function sandboxProcess(options: Omit<SandboxOptions, "root">): Process {
  const { args, env = [], cwd = "/", uid = 0, gid = 0, terminal = false, capabilities = [] } = options;
  return {
    args,
    cwd,
    terminal,
    env: [defaultPath, ...env],
    user: { uid, gid },
    capabilities: { bounding: capabilities, effective: capabilities, permitted: capabilities },
    noNewPrivileges: true,
  };
}
