import { existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { invalid } from "#base/errors.ts";
import type { Mount, Spec } from "#spec/oci-runtime.ts";
import { callerPath } from "./caller.ts";
import { type Given, isOn, lastOf } from "./command-line.ts";
import type { Deps } from "./create.ts";
import { defaultSpec } from "./default-spec.table.ts";

/** Writes the specification that `runc spec` writes. */
export function specCommand({ caller }: Deps, given: Given): number {
  const folder = lastOf(given, "bundle") || ".";
  if (!existsSync(callerPath(caller, folder))) throw invalid(`chdir ${folder}: no such file or directory`);
  const path = callerPath(caller, join(folder, "config.json"));
  if (existsSync(path)) throw invalid("File config.json exists. Remove it first");
  const spec = isOn(given, "rootless")
    ? rootlessSpec({ uid: process.geteuid?.() ?? 0, gid: process.getegid?.() ?? 0 })
    : defaultSpec;
  writeFileSync(path, JSON.stringify(spec, undefined, "\t"), { mode: 0o666 });
  return 0;
}

/** A user without privileges: root in a user namespace of its own, the machine's network, no limits. */
function rootlessSpec({ uid, gid }: { readonly uid: number; readonly gid: number }): Spec {
  const { resources: _resources, namespaces = [], ...linux } = defaultSpec.linux ?? {};
  return {
    ...defaultSpec,
    mounts: (defaultSpec.mounts ?? []).map(rootlessMount),
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
