// --device and --privileged: device nodes of the host, found by looking at the host's /dev.

import type { BigIntStats } from "node:fs";
import { lstat, readdir, stat } from "node:fs/promises";
import { join } from "node:path";
import { invalid, systemError } from "#base/errors.ts";
import type { HostConfig } from "#spec/container-config.ts";
import type { Device, Resources } from "#spec/oci-runtime.ts";
import { type DeviceLimits, findThrottles } from "./block-io.ts";
import { deviceNumber } from "./device-number.ts";

export interface HostDevices {
  readonly nodes: readonly Device[];
  readonly rules: NonNullable<Resources["devices"]>;
  readonly blockIo: DeviceLimits;
}

export async function findDevices(hostConfig: HostConfig): Promise<HostDevices> {
  const [mapped, blockIo] = await Promise.all([findNodes(hostConfig), findThrottles(hostConfig)]);
  return { ...mapped, blockIo };
}

type Mapped = Pick<HostDevices, "nodes" | "rules">;

async function findNodes(hostConfig: Pick<HostConfig, "Privileged" | "Devices">): Promise<Mapped> {
  if (hostConfig.Privileged) return { nodes: await walkDevices("/dev", "/dev"), rules: [] };
  const found: Mapped[] = [];
  for (const mapping of hostConfig.Devices ?? []) {
    const access = mapping.CgroupPermissions || "rwm";
    if (!/^[rwm]{1,3}$/.test(access)) throw invalid(`invalid device mode: ${access}`);
    const nodes = await findMapped(mapping.PathOnHost, mapping.PathInContainer || mapping.PathOnHost);
    found.push({ nodes, rules: nodes.map((node) => ruleOf(node, access)) });
  }
  return { nodes: found.flatMap(({ nodes }) => nodes), rules: found.flatMap(({ rules }) => rules) };
}

export function ruleOf({ type, major, minor }: Device, access: string): HostDevices["rules"][number] {
  return {
    allow: true,
    type,
    ...(major !== undefined && { major }),
    ...(minor !== undefined && { minor }),
    access,
  };
}

export async function findMapped(path: string, target: string): Promise<readonly Device[]> {
  const info = await stat(path, { bigint: true }).catch((error: unknown) => {
    throw systemError(
      `error gathering device information while adding custom device "${path}": no such file or directory`,
      { cause: error },
    );
  });
  if (info.isDirectory()) return walkDevices(path, target);
  const device = readDevice(info, target);
  if (device === undefined)
    throw systemError(
      `error gathering device information while adding custom device "${path}": not a device node`,
    );
  return [device];
}

/** File systems of their own, made anew in each container. */
const skipped = new Set(["pts", "shm", "fd", "mqueue", ".lxc", ".lxd-mounts", ".udev", "console"]);

async function walkDevices(directory: string, target: string): Promise<readonly Device[]> {
  const devices: Device[] = [];
  for (const entry of await readdir(directory, { withFileTypes: true })) {
    if (skipped.has(entry.name)) continue;
    const path = join(directory, entry.name);
    const inside = join(target, entry.name);
    if (entry.isDirectory()) devices.push(...(await walkDevices(path, inside)));
    else if (entry.isCharacterDevice() || entry.isBlockDevice()) {
      const info = await lstat(path, { bigint: true }).catch(ignoreVanished);
      const device = info === undefined ? undefined : readDevice(info, inside);
      if (device !== undefined) devices.push(device);
    }
  }
  return devices;
}

/** Nodes come and go while the host's /dev is looked at. */
function ignoreVanished(error: unknown): undefined {
  if (!(error instanceof Error && "code" in error && error.code === "ENOENT")) throw error;
}

function readDevice(info: BigIntStats, path: string): Device | undefined {
  const type = info.isCharacterDevice() ? "c" : info.isBlockDevice() ? "b" : undefined;
  if (type === undefined) return undefined;
  return {
    type,
    path,
    ...deviceNumber(info.rdev),
    fileMode: Number(info.mode) & 0o777,
    uid: Number(info.uid),
    gid: Number(info.gid),
  };
}
