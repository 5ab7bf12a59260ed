// The command lines of criu. It finds by itself what processes hold; told are the mounts that come from outside of the container, since
// their content is not saved.

import { invalid, unsupported } from "#base/errors.ts";
import { type CgroupPaths, findController } from "#kernel/cgroups/paths.ts";
import type { MountInfo } from "#kernel/mountinfo/parse-mountinfo.ts";
import type { Spec } from "#spec/oci-runtime.ts";
import { type Given, isOn, lastOf } from "./command-line.ts";

/** A mount of the container whose content is outside: its place inside and what is to be there. */
export interface OutsideMount {
  readonly target: string;
  readonly source: string;
}

/** `mounts`: as the container's init sees them, before it is saved. */
export function findOutsideMounts(
  spec: Spec,
  mounts: readonly Pick<MountInfo, "mountPoint" | "root">[],
): readonly OutsideMount[] {
  const mounted = new Map(mounts.map((mount) => [mount.mountPoint, mount]));
  const binds = (spec.mounts ?? []).filter(({ type, options = [] }) => type === "bind" || isBind(options));
  const masks = (spec.linux?.maskedPaths ?? []).filter((path) =>
    /\/null$/.test(mounted.get(path)?.root ?? ""),
  );
  return [
    ...binds.map(({ destination, source = "" }) => ({ target: destination, source })),
    ...masks.map((path) => ({ target: path, source: "/dev/null" })),
  ];
}

const isBind = (options: readonly string[]): boolean => options.includes("bind") || options.includes("rbind");

/** What criu cannot save of this container, or we cannot give back. */
export function refuseUnsaved(spec: Spec): void {
  if (spec.process?.terminal === true) throw unsupported("checkpoint of a container with a terminal");
  const joined = (spec.linux?.namespaces ?? []).find(({ path }) => path !== undefined && path !== "");
  if (joined !== undefined)
    throw unsupported(`checkpoint of a container that joined a ${joined.type} namespace by path`);
}

const cgroupModes: readonly string[] = ["soft", "full", "strict", "ignore"];

/** Flags that both directions know. */
function commonOptions(given: Given): readonly string[] {
  const mode = lastOf(given, "manage-cgroups-mode") || "soft";
  if (!cgroupModes.includes(mode)) throw invalid("Invalid manage cgroups mode");
  return [
    `--manage-cgroups=${mode}`,
    "--evasive-devices",
    ...["tcp-established", "ext-unix-sk", "shell-job", "file-locks", "auto-dedup", "lazy-pages"]
      .filter((name) => isOn(given, name))
      .map((name) => `--${name}`),
    ...emptyNamespaces(given),
  ];
}

function emptyNamespaces(given: Given): readonly string[] {
  const names = given.get("empty-ns") ?? [];
  const other = names.find((name) => name !== "network");
  if (other !== undefined) throw invalid(`namespace "${other}" is not supported`);
  return names.length === 0 ? [] : ["--empty-ns", "net"];
}

export interface Folders {
  /** Both absolute. */
  readonly images: string;
  readonly work: string;
}

export interface Dump extends Folders {
  readonly pid: number;
  readonly rootfs: string;
  readonly cgroups: CgroupPaths;
  readonly outside: readonly OutsideMount[];
  readonly streams: readonly string[];
}

export function dumpArguments(given: Given, dump: Dump): readonly string[] {
  if (Number(lastOf(given, "status-fd") ?? -1) !== -1) throw unsupported("--status-fd");
  const preDump = isOn(given, "pre-dump");
  const parent = lastOf(given, "parent-path") ?? "";
  const freezer = findController(dump.cgroups, "freezer");
  return [
    preDump ? "pre-dump" : "dump",
    ...folders(dump, "dump.log"),
    ...["--tree", String(dump.pid), "--root", dump.rootfs],
    ...commonOptions(given),
    ...(freezer === undefined ? [] : ["--freeze-cgroup", freezer]),
    ...(isOn(given, "leave-running") ? ["--leave-running"] : []),
    ...(parent === "" ? [] : ["--prev-images-dir", parent]),
    ...(preDump || parent !== "" ? ["--track-mem"] : []),
    ...pageServer(given),
    ...(preDump ? [] : dump.outside.flatMap(({ target }) => ["--external", `mnt[${target}]:${target}`])),
    ...dump.streams.flatMap((name) => (/^file\[/.test(name) ? ["--external", name] : [])),
  ];
}

const folders = ({ images, work }: Folders, log: string): readonly string[] => [
  ...["--images-dir", images, "--work-dir", work],
  ...["--log-file", log, "-v4"],
];

function pageServer(given: Given): readonly string[] {
  const text = lastOf(given, "page-server") ?? "";
  if (text === "") return [];
  const [, address, port] = /^\[?(.*?)\]?:(\d+)$/.exec(text) ?? [];
  if (address === undefined || port === undefined)
    throw invalid("Use --page-server ADDRESS:PORT to specify page server");
  return ["--page-server", "--address", address, "--port", port];
}

export interface Restore extends Folders {
  /** A mount of its own: the container's root is moved from there. */
  readonly rootfs: string;
  readonly cgroups: CgroupPaths;
  readonly pidFile: string;
  readonly outside: readonly OutsideMount[];
  /** What the standard streams were, in criu's names: those that came from outside are the caller's now. "": the container's own. */
  readonly streams: readonly string[];
}

export function restoreArguments(given: Given, restore: Restore): readonly string[] {
  const security = ["lsm-profile", "lsm-mount-context"] as const;
  return [
    "restore",
    ...folders(restore, "restore.log"),
    ...["--root", restore.rootfs, "--pidfile", restore.pidFile],
    ...["--restore-detached", "--restore-sibling"],
    ...commonOptions(given),
    ...cgroupRoots(restore.cgroups),
    ...security.flatMap((name) => (lastOf(given, name) ? [`--${name}`, lastOf(given, name) ?? ""] : [])),
    ...restore.outside.flatMap(({ target, source }) => ["--external", `mnt[${target}]:${source}`]),
    ...restore.streams.flatMap((name, fd) => (name === "" ? [] : ["--inherit-fd", `fd[${fd}]:${name}`])),
  ];
}

/** Where the processes go, whichever cgroup they came from. */
const cgroupRoots = ({ v1, v2 }: CgroupPaths): readonly string[] =>
  (v2 === undefined
    ? v1.flatMap(({ controllers, mountPoint, directory }) =>
        controllers.map((name) => `${name}:${directory.slice(mountPoint.length)}`),
      )
    : [v2.directory.slice(v2.mountPoint.length)]
  ).flatMap((root) => ["--cgroup-root", root]);
