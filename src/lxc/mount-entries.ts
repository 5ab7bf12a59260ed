// Mounts, devices and hidden paths as lines of fstab(5), with LXC's own additions: create=, optional, relative.

import { unsupported } from "#base/errors.ts";
import type { Device, Mount, Spec } from "#spec/oci-runtime.ts";

export interface MountEntries {
  /** Values of lxc.mount.auto. */
  readonly automatic: readonly string[];
  readonly entries: readonly string[];
  /** LXC makes /dev and its default devices. */
  readonly ownDevices: boolean;
}

/** What the machine has, as far as entries depend on it. */
export interface MachineFiles {
  /** What lies at a path; undefined if nothing does. */
  findKind(path: string): "file" | "dir" | undefined;
  hasMountsBelow(path: string): boolean;
}

export function mountEntries(spec: Spec, machine: MachineFiles): MountEntries {
  const mounts = spec.mounts ?? [];
  const isOwn = ({ destination, type }: Mount): boolean =>
    type === "cgroup" || destination === "/dev" || destination === "/dev/pts";
  const writable = ({ options = [] }: Mount): boolean => !options.includes("ro");
  return {
    automatic: mounts
      .filter(({ type }) => type === "cgroup")
      .map((mount) => (writable(mount) ? "cgroup:rw:force" : "cgroup:ro:force")),
    ownDevices: mounts.some(({ destination }) => destination === "/dev"),
    entries: [
      ...mounts.filter((mount) => !isOwn(mount)).map((mount) => mountEntry(mount, machine)),
      ...(spec.linux?.devices ?? []).map(deviceEntry),
      ...(spec.linux?.readonlyPaths ?? [])
        .filter((path) => machine.findKind(path) !== undefined)
        .map((path) => entry(below(path), below(path), "none", ["bind", "relative", "ro", "optional"])),
      ...(spec.linux?.maskedPaths ?? []).flatMap((path) => maskEntry(path, machine)),
    ],
  };
}

/** A word of fstab. */
const escaped = (text: string): string =>
  text.replaceAll("\\", "\\134").replaceAll(" ", "\\040").replaceAll("\t", "\\011").replaceAll("\n", "\\012");

const entry = (source: string, target: string, type: string, options: readonly string[]): string =>
  `${escaped(source)} ${escaped(target)} ${type} ${options.map(escaped).join(",")} 0 0`;

const below = (path: string): string => path.replace(/^\/+/, "");

const inexpressible: ReadonlySet<string> = new Set(["remount", "tmpcopyup", "idmap", "ridmap"]);

/** Set for a whole tree at once by mount_setattr(2), which LXC's entries do not know. */
const isRecursive = (option: string): boolean =>
  /^r(ro|rw|nosuid|suid|nodev|dev|noexec|exec|noatime|atime|relatime|norelatime|strictatime|nodiratime|diratime|nosymfollow|symfollow)$/.test(
    option,
  );

function mountEntry(mount: Mount, machine: MachineFiles): string {
  const { destination, type, source = "" } = mount;
  const options = (mount.options ?? []).map((option) =>
    option === "rro" && !machine.hasMountsBelow(source) ? "ro" : option,
  );
  const unknown = options.find((option) => inexpressible.has(option) || isRecursive(option));
  if (unknown !== undefined) throw unsupported(`mount option "${unknown}" with runtime lxc`);
  const isBind = type === "bind" || options.includes("bind") || options.includes("rbind");
  if (!isBind) return entry(source || "none", below(destination), type ?? "none", [...options, "create=dir"]);
  const bind = options.includes("rbind") || options.includes("bind") ? [] : ["bind"];
  return entry(source, below(destination), "none", [
    ...bind,
    ...options,
    `create=${machine.findKind(source) ?? "dir"}`,
  ]);
}

/** The machine's node is bound: LXC makes only its own devices. */
const deviceEntry = ({ path }: Device): string => entry(path, below(path), "none", ["bind", "create=file"]);

/** What is hidden lies in file systems that are the same on the machine: a file is covered by /dev/null, a directory by an empty tmpfs. */
function maskEntry(path: string, machine: MachineFiles): readonly string[] {
  const kind = machine.findKind(path);
  if (kind === undefined) return [];
  return kind === "file"
    ? [entry("/dev/null", below(path), "none", ["bind", "optional"])]
    : [entry("tmpfs", below(path), "tmpfs", ["ro", "size=0", "optional"])];
}
