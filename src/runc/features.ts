// What this runtime can do, in the document of the OCI runtime specification: read from the tables that the work is done by.

import { mountOptions } from "#libcontainer/mounts/mount-options.table.ts";
import { namespaceFlags } from "#libcontainer/namespaces.ts";
import { SECCOMP_RET } from "#libcontainer/seccomp/actions.ts";
import { architectures } from "#libcontainer/seccomp/architectures.ts";
import { OPS } from "#libcontainer/seccomp/conditions.ts";
import { FLAGS } from "#libcontainer/seccomp/flags.ts";
import { capabilityNames } from "#spec/capabilities.table.ts";
import { refusedParts } from "./bundle.ts";
import { globalFlags } from "./commands.table.ts";
import type { Deps } from "./create.ts";
import { SPEC_VERSION } from "./version.ts";

const names = (table: object): readonly string[] => Object.keys(table).sort();

const served = (part: string): boolean => !refusedParts.has(part);
const hasGlobalFlag = (name: string): boolean =>
  globalFlags.some((flag) => flag.name === name && flag.refused === undefined);

const hookPoints = [
  "prestart",
  "createRuntime",
  "createContainer",
  "startContainer",
  "poststart",
  "poststop",
] as const;

function describeFeatures(version: string): object {
  return {
    ociVersionMin: "1.0.0",
    ociVersionMax: SPEC_VERSION,
    hooks: served("hooks") ? hookPoints : [],
    mountOptions: names(mountOptions),
    linux: {
      namespaces: names(namespaceFlags),
      capabilities: capabilityNames,
      cgroup: {
        v1: true,
        v2: true,
        systemd: hasGlobalFlag("systemd-cgroup"),
        systemdUser: false,
        rdma: true,
      },
      seccomp: {
        enabled: true,
        actions: names(SECCOMP_RET),
        operators: [...OPS].sort(),
        archs: names(architectures),
        knownFlags: names(FLAGS),
        supportedFlags: names(FLAGS),
      },
      apparmor: { enabled: served("process.apparmorProfile") },
      selinux: { enabled: served("process.selinuxLabel") },
      intelRdt: { enabled: served("linux.intelRdt") },
      mountExtensions: { idmap: { enabled: "idmap" in mountOptions } },
    },
    annotations: {
      "org.opencontainers.runc.checkpoint.enabled": "true",
      "org.gantry.runc.version": version,
    },
  };
}

export async function featuresCommand({ caller, version }: Deps): Promise<number> {
  await caller.write(1, `${JSON.stringify(describeFeatures(version), undefined, 4)}\n`);
  return 0;
}
