// What is mounted in a container: Docker's defaults, the etc files, and the user's mounts, shallow paths first.

import { join, posix } from "node:path";
import { systemError } from "#base/errors.ts";
import type { HostConfig } from "#spec/container-config.ts";
import type { IdMaps } from "#spec/id-maps.ts";
import type { Mount } from "#spec/oci-runtime.ts";
import { parseTmpfs } from "./mount-spec.ts";
import { defaultMounts } from "./oci-defaults.table.ts";
import type { MountPoint } from "./record.ts";
import { parseSecurityOptions } from "./security-opt.ts";

export interface MountInput {
  readonly hostConfig: HostConfig;
  readonly mounts: readonly MountPoint[];
  /** Directory with hosts, hostname and resolv.conf. */
  readonly etcDir: string;
  /** Directory of the host for /dev/shm. */
  readonly sharedMemory: string | undefined;
  /** Of the container's user namespace: what the engine keeps belongs to the ids that the container sees, also on the disk. */
  readonly idMaps?: IdMaps | undefined;
}

export function planOciMounts(input: MountInput): readonly Mount[] {
  const { hostConfig } = input;
  const own = [...userMounts(input), ...tmpfsMounts(hostConfig)];
  const targets = new Set(own.map(({ destination }) => destination));
  const etc = etcMounts(input).filter(({ destination }) => !targets.has(destination));
  const defaults = [
    ...defaultMounts.map((mount) => adaptDefault(mount, hostConfig)),
    ...memoryMounts(input),
  ].filter(
    ({ destination }) =>
      !targets.has(destination) && !(targets.has("/dev") && destination.startsWith("/dev/")),
  );
  return [...defaults, ...byDepth([...etc, ...own])];
}

const depth = (path: string): number => path.split("/").length;
const byDepth = (mounts: readonly Mount[]): readonly Mount[] =>
  mounts.toSorted((a, b) => depth(a.destination) - depth(b.destination));

/** /dev/shm. With --ipc host, the mqueue that is mounted in the host's IPC namespace shows the host's queues. */
function memoryMounts({ hostConfig, sharedMemory, idMaps }: MountInput): readonly Mount[] {
  const options = ["nosuid", "noexec", "nodev"];
  if (sharedMemory !== undefined) {
    const made = bind(sharedMemory, "/dev/shm", ["rbind", "rprivate", ...options]);
    return [hostConfig.IpcMode === "host" ? made : mapped(made, idMaps)];
  }
  if (hostConfig.IpcMode === "none") return [];
  const size = `size=${hostConfig.ShmSize}`;
  return [
    { destination: "/dev/shm", type: "tmpfs", source: "shm", options: [...options, "mode=1777", size] },
  ];
}

function adaptDefault(mount: Mount, hostConfig: HostConfig): Mount {
  const options = mount.options ?? [];
  const { Privileged: privileged, SecurityOpt: security } = hostConfig;
  const writable =
    mount.type === "cgroup"
      ? (parseSecurityOptions(security).writableCgroups ?? privileged)
      : mount.type === "sysfs" && privileged;
  if (writable) return { ...mount, options: options.map((option) => (option === "ro" ? "rw" : option)) };
  return mount;
}

const bind = (source: string, destination: string, options: readonly string[]): Mount => ({
  destination,
  type: "bind",
  source,
  options,
});

const mapped = (mount: Mount, idMaps: IdMaps | undefined): Mount =>
  idMaps === undefined ? mount : { ...mount, uidMappings: idMaps.uids, gidMappings: idMaps.gids };

function etcMounts({ hostConfig, etcDir, idMaps }: MountInput): readonly Mount[] {
  const options = ["rbind", "rprivate", ...(hostConfig.ReadonlyRootfs ? ["ro"] : [])];
  return ["resolv.conf", "hostname", "hosts"].map((name) =>
    mapped(bind(join(etcDir, name), `/etc/${name}`, options), idMaps),
  );
}

function userMounts({ mounts, idMaps }: MountInput): readonly Mount[] {
  return mounts.map((mount) => {
    if (mount.type === "tmpfs")
      return tmpfs(mount.destination, [...mount.options, ...(mount.writable ? [] : ["ro"])]);
    const kind = mount.recursive ? "rbind" : "bind";
    // As with Docker since 25, "read-only" holds for what is mounted below, too.
    const readOnly = mount.writableBelow === true ? "ro" : "rro";
    const access = mount.writable ? [] : [readOnly];
    const made = bind(mount.source, mount.destination, [kind, ...access, mount.propagation || "rprivate"]);
    // Not what the host has elsewhere: the container's root would be the machine's there.
    return mount.type === "volume" || mount.kept === true ? mapped(made, idMaps) : made;
  });
}

const tmpfsMounts = (hostConfig: HostConfig): readonly Mount[] =>
  Object.entries(hostConfig.Tmpfs ?? {}).map(([path, text]) => {
    const { destination, options } = parseTmpfs(path, text);
    return tmpfs(posix.normalize(destination), options);
  });

function tmpfs(destination: string, options: readonly string[]): Mount {
  const merged = new Map<string, string>();
  for (const option of ["noexec", "nosuid", "nodev", "rprivate", ...options.filter(isTmpfsOption)])
    merged.set(optionKind(option), option);
  return { destination, type: "tmpfs", source: "tmpfs", options: [...merged.values()] };
}

const tmpfsWords = new Set(
  "ro rw suid nosuid dev nodev exec noexec sync async dirsync remount mand nomand atime noatime diratime nodiratime bind rbind unbindable runbindable private rprivate shared rshared slave rslave relatime norelatime strictatime nostrictatime".split(
    " ",
  ),
);
const tmpfsKeys = new Set(["size", "mode", "uid", "gid", "nr_inodes", "nr_blocks", "mpol"]);

/** False for the word that means nothing; throws for what no tmpfs knows. */
function isTmpfsOption(option: string): boolean {
  if (option === "" || option === "defaults") return false;
  const [key = "", ...value] = option.split("=");
  if (tmpfsWords.has(option) || (tmpfsKeys.has(key) && value.length > 0)) return true;
  const parts = value.length === 0 ? [key] : [key, value.join("=")];
  throw systemError(`invalid tmpfs option [${parts.map((part) => JSON.stringify(part)).join(" ")}]`);
}

/** Options of one kind replace each other: "exec" and "noexec", "size=1m" and "size=2m". */
function optionKind(option: string): string {
  const name = option.split("=", 1)[0] ?? option;
  if (name === "rw" || name === "ro") return "access";
  if (["exec", "suid", "dev", "atime", "diratime"].includes(name.replace(/^no/, "")))
    return name.replace(/^no/, "");
  if (/^r?(private|shared|slave|unbindable)$/.test(name)) return "propagation";
  return name;
}

/** The root's propagation that the widest mount needs. */
export function rootPropagation(mounts: readonly MountPoint[]): string | undefined {
  const used = new Set(mounts.map(({ propagation }) => propagation.replace(/^r/, "")));
  if (used.has("shared")) return "shared";
  return used.has("slave") ? "rslave" : undefined;
}
