// What criu cannot know of a container that it saves, kept beside its images: which mounts, streams and namespaces come from outside.

import { readFileSync, readlinkSync, statSync, writeFileSync } from "node:fs";
import { join, posix } from "node:path";
import { array, type Decoded, integer, object, string } from "#base/decode.ts";
import { invalid } from "#base/errors.ts";
import { type MountInfo, parseMountInfo } from "#kernel/mountinfo/parse-mountinfo.ts";
import type { Mount, Spec } from "#spec/oci-runtime.ts";
import { joinedNetwork } from "./refuse-unsaved.ts";

const decodeNotes = object(
  {
    /** Mount points in the container whose content is not saved. */
    outside: array(string),
    /** What descriptors 0 to 2 of the init are, in criu's names: "pipe:[123]"; "" for files of the container. */
    streams: array(string),
  },
  {
    /** Inode of the network namespace, if somebody else has made that. */
    network: integer,
  },
);
export type Notes = Decoded<typeof decodeNotes>;

const fileName = "gantry.json";

/** Of a container that runs, `initPid` as this process sees it. */
export function takeNotes(spec: Spec, initPid: number): Notes {
  const mounts = parseMountInfo(readFileSync(`/proc/${initPid}/mountinfo`, "utf8"));
  const joined = joinedNetwork(spec) !== undefined;
  return {
    outside: findOutsideMounts(spec, mounts),
    streams: [0, 1, 2].map((fd) => nameStream(initPid, fd, mounts)),
    ...(joined && { network: statSync(`/proc/${initPid}/ns/net`).ino }),
  };
}

/** `images`: the folder of a checkpoint. */
export const writeNotes = (images: string, notes: Notes): void =>
  writeFileSync(join(images, fileName), JSON.stringify(notes), { mode: 0o600 });

export function readNotes(images: string): Notes {
  const path = join(images, fileName);
  try {
    return decodeNotes(JSON.parse(readFileSync(path, "utf8")), "checkpoint");
  } catch (cause) {
    throw invalid(`${path}: no checkpoint of this version of Gantry`, { cause });
  }
}

/** `mounts`: as the container's init sees them. */
export function findOutsideMounts(
  spec: Spec,
  mounts: readonly Pick<MountInfo, "mountPoint" | "root">[],
): readonly string[] {
  const masks = new Set(spec.linux?.maskedPaths ?? []);
  const outside = mounts.filter(({ mountPoint, root }) =>
    masks.has(mountPoint) ? root.endsWith("/null") : findBindSource(spec, mountPoint) !== undefined,
  );
  return [...new Set(outside.map(({ mountPoint }) => mountPoint))];
}

/** What is to be mounted there from outside, as this specification says: never what the checkpoint says. */
export function outsideSource(spec: Spec, target: string): string {
  if (spec.linux?.maskedPaths?.includes(target)) return "/dev/null";
  const source = findBindSource(spec, target);
  if (source === undefined)
    throw invalid(`the container has no mount at ${target}, which the checkpoint has`);
  return source;
}

/** Of the mount that the path is in, if that is a bind: what lies below it on the host may be mounted, too. */
function findBindSource(spec: Spec, path: string): string | undefined {
  let found: Mount | undefined;
  for (const mount of spec.mounts ?? [])
    if (contains(mount.destination, path) && mount.destination.length >= (found?.destination.length ?? 0))
      found = mount;
  if (found === undefined || !isBind(found)) return undefined;
  return posix.join(found.source ?? "", posix.relative(found.destination, path));
}

const contains = (directory: string, path: string): boolean =>
  `${path}/`.startsWith(posix.join(directory, "/"));

const isBind = ({ type, options = [] }: Mount): boolean =>
  type === "bind" || options.includes("bind") || options.includes("rbind");

/** A file that was opened before the container had its root is on a mount that it does not see. */
function nameStream(pid: number, fd: number, mounts: readonly MountInfo[]): string {
  const path = `/proc/${pid}/fd/${fd}`;
  const target = readlinkSync(path);
  if (/^(pipe|socket):\[\d+\]$/.test(target)) return target;
  const [, mount = "0"] = /^mnt_id:\s*(\d+)$/m.exec(readFileSync(`/proc/${pid}/fdinfo/${fd}`, "utf8")) ?? [];
  if (mounts.some(({ id }) => id === Number(mount))) return "";
  return `file[${Number(mount).toString(16)}:${statSync(path).ino.toString(16)}]`;
}
