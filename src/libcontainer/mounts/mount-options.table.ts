// The mount options of the OCI runtime specification, as flags of mount(2) and mount_setattr(2).

import * as linux from "../linux-flags.table.ts";

export interface OptionEffect {
  readonly set?: number;
  readonly clear?: number;
  /** MOUNT_ATTR_* for the whole tree below the mount. */
  readonly treeSet?: number;
  readonly treeClear?: number;
  readonly propagation?: { readonly flag: number; readonly recursive: boolean };
  readonly bind?: "one" | "tree";
  readonly copyUp?: true;
  readonly idmap?: "one" | "tree";
}

const set = (flag: number): OptionEffect => ({ set: flag });
const clear = (flag: number): OptionEffect => ({ clear: flag });
const treeSet = (flag: number): OptionEffect => ({ treeSet: flag });
const treeClear = (flag: number): OptionEffect => ({ treeClear: flag });
const treeAtime = (flag: number): OptionEffect => ({ treeSet: flag, treeClear: linux.MOUNT_ATTR_ATIME });
const spread = (flag: number): OptionEffect => ({ propagation: { flag, recursive: false } });
const spreadAll = (flag: number): OptionEffect => ({ propagation: { flag, recursive: true } });

export const mountOptions: Readonly<Record<string, OptionEffect>> = {
  defaults: {},
  remount: set(linux.MS_REMOUNT),
  tmpcopyup: { copyUp: true },
  idmap: { idmap: "one" },
  ridmap: { idmap: "tree" },
  bind: { bind: "one" },
  rbind: { bind: "tree" },
  ro: set(linux.MS_RDONLY),
  rw: clear(linux.MS_RDONLY),
  nosuid: set(linux.MS_NOSUID),
  suid: clear(linux.MS_NOSUID),
  nodev: set(linux.MS_NODEV),
  dev: clear(linux.MS_NODEV),
  noexec: set(linux.MS_NOEXEC),
  exec: clear(linux.MS_NOEXEC),
  sync: set(linux.MS_SYNCHRONOUS),
  async: clear(linux.MS_SYNCHRONOUS),
  mand: set(linux.MS_MANDLOCK),
  nomand: clear(linux.MS_MANDLOCK),
  dirsync: set(linux.MS_DIRSYNC),
  nosymfollow: set(linux.MS_NOSYMFOLLOW),
  symfollow: clear(linux.MS_NOSYMFOLLOW),
  noatime: set(linux.MS_NOATIME),
  atime: clear(linux.MS_NOATIME),
  nodiratime: set(linux.MS_NODIRATIME),
  diratime: clear(linux.MS_NODIRATIME),
  relatime: set(linux.MS_RELATIME),
  norelatime: clear(linux.MS_RELATIME),
  strictatime: set(linux.MS_STRICTATIME),
  nostrictatime: clear(linux.MS_STRICTATIME),
  lazytime: set(linux.MS_LAZYTIME),
  nolazytime: clear(linux.MS_LAZYTIME),
  iversion: set(linux.MS_I_VERSION),
  noiversion: clear(linux.MS_I_VERSION),
  silent: set(linux.MS_SILENT),
  loud: clear(linux.MS_SILENT),
  private: spread(linux.MS_PRIVATE),
  slave: spread(linux.MS_SLAVE),
  shared: spread(linux.MS_SHARED),
  unbindable: spread(linux.MS_UNBINDABLE),
  rprivate: spreadAll(linux.MS_PRIVATE),
  rslave: spreadAll(linux.MS_SLAVE),
  rshared: spreadAll(linux.MS_SHARED),
  runbindable: spreadAll(linux.MS_UNBINDABLE),
  rro: treeSet(linux.MOUNT_ATTR_RDONLY),
  rrw: treeClear(linux.MOUNT_ATTR_RDONLY),
  rnosuid: treeSet(linux.MOUNT_ATTR_NOSUID),
  rsuid: treeClear(linux.MOUNT_ATTR_NOSUID),
  rnodev: treeSet(linux.MOUNT_ATTR_NODEV),
  rdev: treeClear(linux.MOUNT_ATTR_NODEV),
  rnoexec: treeSet(linux.MOUNT_ATTR_NOEXEC),
  rexec: treeClear(linux.MOUNT_ATTR_NOEXEC),
  rnodiratime: treeSet(linux.MOUNT_ATTR_NODIRATIME),
  rdiratime: treeClear(linux.MOUNT_ATTR_NODIRATIME),
  rrelatime: treeAtime(linux.MOUNT_ATTR_RELATIME),
  rnorelatime: treeAtime(linux.MOUNT_ATTR_STRICTATIME),
  rnoatime: treeAtime(linux.MOUNT_ATTR_NOATIME),
  ratime: treeAtime(linux.MOUNT_ATTR_RELATIME),
  rstrictatime: treeAtime(linux.MOUNT_ATTR_STRICTATIME),
  rnostrictatime: treeAtime(linux.MOUNT_ATTR_RELATIME),
  rnosymfollow: treeSet(linux.MOUNT_ATTR_NOSYMFOLLOW),
  rsymfollow: treeClear(linux.MOUNT_ATTR_NOSYMFOLLOW),
};
