import { existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { invalid } from "#base/errors.ts";
import { isUnified } from "#kernel/cgroups/layout.ts";
import type { Mount, Spec } from "#spec/oci-runtime.ts";
import { callerPath } from "./caller.ts";
import { type Given, isOn, lastOf } from "./command-line.ts";
import type { Deps } from "./create.ts";
import { defaultSpec } from "./default-spec.table.ts";

/** Writes the specification that `runc spec` writes. */
export function specCommand({ caller, runtime }: Deps, given: Given): number {
  const folder = lastOf(given, "bundle") || ".";
  if (!existsSync(callerPath(caller, folder))) throw invalid(`chdir ${folder}: no such file or directory`);
  const path = callerPath(caller, join(folder, "config.json"));
  if (existsSync(path)) throw invalid("File config.json exists. Remove it first");
  const whole = isUnified(runtime.host.cgroups) ? withCgroupNamespace(defaultSpec) : defaultSpec;
  const spec = isOn(given, "rootless")
    ? rootlessSpec(whole, { uid: process.geteuid?.() ?? 0, gid: process.getegid?.() ?? 0 })
    : whole;
  writeFileSync(path, JSON.stringify(spec, undefined, "\t"), { mode: 0o666 });
  return 0;
}

/** Version 2 has a hierarchy of which a container can be given its own part. */
function withCgroupNamespace(spec: Spec): Spec {
  const namespaces = [...(spec.linux?.namespaces ?? []), { type: "cgroup" as const }];
  return { ...spec, linux: { ...spec.linux, namespaces } }; // in the place that it has in the text
}

/** A user without privileges: root in a user namespace of its own, the machine's network, no limits. */
function rootlessSpec(whole: Spec, { uid, gid }: { readonly uid: number; readonly gid: number }): Spec {
  const { resources: _resources, namespaces = [], ...linux } = whole.linux ?? {};
  return {
    ...whole,
    mounts: (whole.mounts ?? []).map(rootlessMount),
    linux: {
      uidMappings: [{ containerID: 0, hostID: uid, size: 1 }],
      gidMappings: [{ containerID: 0, hostID: gid, size: 1 }],
      namespaces: [...namespaces.filter(({ type }) => type !== "network"), { type: "user" }],
      ...linux,
    },
  };
}

/** Ids that the namespace does not have cannot own anything, and sysfs belongs to the network namespace. */
function rootlessMount(mount: Mount): Mount {
  const { options, ...rest } = mount;
  if (mount.destination === "/sys")
    return { ...rest, type: "none", source: "/sys", options: ["rbind", ...(options ?? [])] };
  return options === undefined
    ? rest
    : { ...rest, options: options.filter((option) => !/^[ug]id=/.test(option)) };
}
