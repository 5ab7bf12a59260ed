// The command lines of criu. It finds by itself what processes hold; told is what comes from outside of the container, since the
// content of that is not saved.

import { closeSync, fstatSync, openSync, readSync } from "node:fs";
import { join } from "node:path";
import { invalid, systemError } from "#base/errors.ts";
import { type CgroupPaths, findController } from "#kernel/cgroups/paths.ts";
import type { Spec } from "#spec/oci-runtime.ts";
import { type Notes, outsideSource } from "./notes.ts";

export interface Folders {
  /** Both absolute. */
  readonly images: string;
  /** Of criu's log. */
  readonly work: string;
}

export interface Dump extends Folders {
  readonly pid: number;
  readonly cgroups: CgroupPaths;
  readonly notes: Notes;
  readonly leaveRunning: boolean;
  /** Memory alone, for a dump that follows. */
  readonly preDump?: boolean;
  /** Further words. */
  readonly options: readonly string[];
}

const dumpLog = "dump.log";
const restoreLog = "restore.log";
/** criu's name of the network namespace that others make. */
const networkKey = "extRootNetNS";

export function dumpArguments(dump: Dump): readonly string[] {
  const { notes, preDump = false } = dump;
  const freezer = findController(dump.cgroups, "freezer");
  return [
    preDump ? "pre-dump" : "dump",
    ...folders(dump, dumpLog),
    ...["--tree", String(dump.pid), "--evasive-devices"],
    ...(freezer === undefined ? [] : ["--freeze-cgroup", freezer]),
    ...(dump.leaveRunning ? ["--leave-running"] : []),
    ...dump.options,
    ...(preDump ? [] : notes.outside.flatMap((target) => ["--external", outsideMount(target, target)])),
    ...notes.streams.flatMap((name) => (/^file\[/.test(name) ? ["--external", name] : [])),
    ...(notes.network === undefined ? [] : ["--external", `net[${notes.network}]:${networkKey}`]),
  ];
}

const folders = ({ images, work }: Folders, log: string): readonly string[] => [
  ...["--images-dir", images, "--work-dir", work],
  ...["--log-file", log, "-v4"],
];

/** criu reads the key up to the first bracket: one in it would let a mount point say what is mounted. */
function outsideMount(key: string, value: string): string {
  if (key.includes("]")) throw invalid(`criu cannot save a mount at ${key}`);
  return `mnt[${key}]:${value}`;
}

export interface Restore extends Folders {
  readonly spec: Spec;
  readonly notes: Notes;
  /** A mount of its own: the container's root is moved from there. */
  readonly rootfs: string;
  readonly cgroups: CgroupPaths;
  readonly pidFile: string;
  /** The descriptors that criu inherits: those that become the standard streams, and the network namespace. */
  readonly streamFds: readonly number[];
  readonly networkFd: number;
  /** Further words. */
  readonly options: readonly string[];
}

/** The processes are children of whoever starts criu. */
export function restoreArguments(restore: Restore): readonly string[] {
  const { spec, notes } = restore;
  const inherited = notes.streams.map((name, index) => ({ name, fd: restore.streamFds[index] ?? index }));
  if (notes.network !== undefined) inherited.push({ name: networkKey, fd: restore.networkFd });
  return [
    "restore",
    ...folders(restore, restoreLog),
    ...["--root", restore.rootfs, "--pidfile", restore.pidFile],
    ...["--restore-detached", "--restore-sibling", "--evasive-devices"],
    ...restore.options,
    ...cgroupRoots(restore.cgroups),
    ...notes.outside.flatMap((target) => ["--external", outsideMount(target, outsideSource(spec, target))]),
    ...inherited.flatMap(({ name, fd }) => (name === "" ? [] : ["--inherit-fd", `fd[${fd}]:${name}`])),
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

/** `status`: "exit status 1", or "" if there is no criu. */
export function criuFailure(
  verb: "dump" | "restore",
  { work }: Pick<Folders, "work">,
  status: string,
  cause?: unknown,
): Error {
  if (status === "") return systemError('exec: "criu": executable file not found in $PATH', { cause });
  const log = join(work, verb === "dump" ? dumpLog : restoreLog);
  const reason = findError(log);
  return systemError(`criu failed: ${status}${reason === "" ? "" : `: ${reason}`}\nlog file: ${log}`, {
    cause,
  });
}

const TAIL = 64 << 10;

/** The first error in the end of criu's log: those that follow come of it. */
function findError(log: string): string {
  try {
    const fd = openSync(log, "r");
    try {
      const tail = Buffer.alloc(TAIL);
      const size = readSync(fd, tail, 0, TAIL, Math.max(0, fstatSync(fd).size - TAIL));
      return /^\([\d.]+\)[\s\d:]*Error (.*)$/m.exec(tail.toString("utf8", 0, size))?.[1] ?? "";
    } finally {
      closeSync(fd);
    }
  } catch {
    return ""; // it did not come so far
  }
}
