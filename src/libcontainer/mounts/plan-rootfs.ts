// The root file system: mounted where spec.root.path says, inside the container's own mount namespace, and held in a slot.

import { posix } from "node:path";
import { invalid } from "#base/errors.ts";
import type { Op } from "#kernel/plan/ops.ts";
import { readIdMapOptions } from "#spec/id-maps.ts";
import type { Mount } from "#spec/oci-runtime.ts";
import {
  MS_PRIVATE,
  MS_SHARED,
  MS_SLAVE,
  MS_UNBINDABLE,
  O_CLOEXEC,
  O_DIRECTORY,
  O_PATH,
} from "../linux-flags.table.ts";
import { ROOT_SLOT } from "../slots.ts";
import { bindAttributes, parseMountOptions } from "./mount-options.ts";
import { planFilesystem } from "./plan-filesystem.ts";
import { planMappedRootfs } from "./plan-mapped-rootfs.ts";

const why = "root file system";

/** The host's mounts stay visible until pivotRoot, but nothing that is mounted here appears on the host. */
export const planIsolation = (): Op => ({
  op: "mountAttr",
  why: "mounts of the container stay in it",
  target: "/",
  set: 0,
  clear: 0,
  propagation: MS_SLAVE,
  recursive: true,
});

/** pivotRoot needs a mount point: without mounts of its own the directory is bound onto itself. */
export function planRootfs(path: string, mounts: readonly Mount[]): readonly Op[] {
  if (mounts.length === 0) return [planSelfBind(path)];
  return mounts.flatMap((mount) => planRootfsMount(mount, posix.join(path, mount.destination)));
}

export const planSelfBind = (path: string): Op => ({
  op: "bind",
  why,
  source: path,
  target: path,
  recursive: true,
});

export const planOpenRoot = (path: string): Op => ({
  op: "open",
  why,
  path,
  flags: O_PATH | O_DIRECTORY | O_CLOEXEC,
  slot: ROOT_SLOT,
});

function planRootfsMount(given: Mount, target: string): readonly Op[] {
  const { maps, rest } = readIdMapOptions(given.options ?? []);
  const mount = { ...given, options: rest };
  if (maps !== undefined) return planMappedRootfs(mount, maps, target);
  const options = parseMountOptions(mount);
  if (options.bind === "no") {
    const fstype = mount.type ?? "";
    const source = mount.source || fstype;
    return [planFilesystem({ why, fstype, source, target, flags: options.flags, data: options.data })];
  }
  if (!mount.source) throw invalid("a bind mount of the root file system needs a source");
  const { set, clear } = bindAttributes(options);
  const bind: Op = { op: "bind", why, source: mount.source, target, recursive: options.bind === "tree" };
  if (set === 0 && clear === 0) return [bind];
  return [bind, { op: "mountAttr", why, target, set, clear, propagation: 0, recursive: false }];
}

const propagations: Readonly<Record<string, { readonly flag: number; readonly recursive: boolean }>> = {
  shared: { flag: MS_SHARED, recursive: false },
  rshared: { flag: MS_SHARED, recursive: true },
  unbindable: { flag: MS_UNBINDABLE, recursive: false },
  runbindable: { flag: MS_UNBINDABLE, recursive: true },
  private: { flag: MS_PRIVATE, recursive: false },
  rprivate: { flag: MS_PRIVATE, recursive: true },
  slave: { flag: MS_SLAVE, recursive: false },
  rslave: { flag: MS_SLAVE, recursive: true },
};

/** Slave is what everything already is; the others are set on the finished root. */
export function planRootPropagation(propagation: string | undefined): readonly Op[] {
  if (propagation === undefined || propagation === "") return [];
  const known = Object.hasOwn(propagations, propagation) ? propagations[propagation] : undefined;
  if (known === undefined) throw invalid(`rootfsPropagation "${propagation}" is not valid`);
  if (known.flag === MS_SLAVE) return [];
  return [
    {
      op: "mountAttr",
      why: "linux.rootfsPropagation",
      target: "",
      root: ROOT_SLOT,
      set: 0,
      clear: 0,
      propagation: known.flag,
      recursive: known.recursive,
    },
  ];
}
