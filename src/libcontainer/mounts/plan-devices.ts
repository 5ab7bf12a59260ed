// /dev: the nodes that every container has, those of the specification, and the links.

import { posix } from "node:path";
import { invalid } from "#base/errors.ts";
import type { Op } from "#kernel/plan/ops.ts";
import type { Device, Spec } from "#spec/oci-runtime.ts";
import { S_IFBLK, S_IFCHR, S_IFIFO } from "../linux-flags.table.ts";
import { ROOT_SLOT } from "../slots.ts";
import { targetOf } from "./guarded-targets.ts";
import { parseMountOptions } from "./mount-options.ts";
import { planBind } from "./plan-bind.ts";

const character = (path: string, major: number, minor: number): Device => ({
  type: "c",
  path,
  major,
  minor,
  fileMode: 0o666,
  uid: 0,
  gid: 0,
});

const defaultDevices: readonly Device[] = [
  character("/dev/null", 1, 3),
  character("/dev/random", 1, 8),
  character("/dev/full", 1, 7),
  character("/dev/tty", 5, 0),
  character("/dev/zero", 1, 5),
  character("/dev/urandom", 1, 9),
];

export interface DeviceContext {
  /** Nodes cannot be made in a user namespace: the host's are bound. */
  readonly inUserNamespace: boolean;
  readonly hasKcore: boolean;
}

/** A container that is given the host's /dev, or another, keeps it as it is. */
const bringsOwnDev = (spec: Spec): boolean =>
  (spec.mounts ?? []).some((mount) => targetOf(mount) === "/dev" && parseMountOptions(mount).bind !== "no");

export function planDevices(spec: Spec, context: DeviceContext): readonly Op[] {
  if (bringsOwnDev(spec)) return [];
  const asked = spec.linux?.devices ?? [];
  const taken = new Set(asked.map(({ path }) => posix.join("/", path)));
  const missing = defaultDevices.filter(({ path }) => !taken.has(path));
  return [
    ...missing.flatMap((device) => planDevice(device, "default device", context)),
    ...asked
      .filter(({ path }) => path !== "" && posix.join("/", path) !== "/dev/ptmx") // made below, of the container's own devpts
      .flatMap((device, index) => planDevice(device, `linux.devices[${index}]`, context)),
    ...planLinks(context),
  ];
}

function planDevice(device: Device, reason: string, context: DeviceContext): readonly Op[] {
  const path = posix.join("/", device.path);
  const why = `${reason} ${path}`;
  const parent = posix.dirname(path);
  const parents: readonly Op[] =
    parent === "/dev"
      ? []
      : [{ op: "mkdir", why, path: parent, root: ROOT_SLOT, mode: 0o755, parents: true }];
  if (context.inUserNamespace && device.type !== "p")
    return [
      ...parents,
      ...planBind(path, parseMountOptions({ destination: path, type: "bind" }), { why, target: path }),
    ];
  return [
    ...parents,
    {
      op: "mknod",
      why,
      path,
      root: ROOT_SLOT,
      mode: fileType(device) | (device.fileMode ?? 0o666),
      major: device.major ?? 0,
      minor: device.minor ?? 0,
      uid: device.uid ?? 0,
      gid: device.gid ?? 0,
    },
  ];
}

function fileType({ type, path }: Device): number {
  switch (type) {
    case "c":
    case "u":
      return S_IFCHR;
    case "b":
      return S_IFBLK;
    case "p":
      return S_IFIFO;
    default:
      throw invalid(`invalid device type "${String(type satisfies never)}" for ${path}`);
  }
}

function planLinks({ hasKcore }: DeviceContext): readonly Op[] {
  const links = [
    ["/dev/ptmx", "pts/ptmx"],
    ["/dev/fd", "/proc/self/fd"],
    ["/dev/stdin", "/proc/self/fd/0"],
    ["/dev/stdout", "/proc/self/fd/1"],
    ["/dev/stderr", "/proc/self/fd/2"],
    ...(hasKcore ? [["/dev/core", "/proc/kcore"] as const] : []),
  ] as const;
  return links.map(([path, target]) => ({
    op: "symlink",
    why: `${path} points to ${target}`,
    target,
    path,
    root: ROOT_SLOT,
    existsOk: true,
  }));
}
