// Weights and rates of block devices, which the user names by their nodes.

import { stat } from "node:fs/promises";
import { EngineError, invalid, systemError } from "#base/errors.ts";
import type { HostConfig, UpdateRequest } from "#spec/container-config.ts";
import type { BlockIo, DeviceRate } from "#spec/oci-runtime.ts";
import { deviceNumber } from "./device-number.ts";

const rateLists = [
  ["BlkioDeviceReadBps", "throttleReadBpsDevice"],
  ["BlkioDeviceWriteBps", "throttleWriteBpsDevice"],
  ["BlkioDeviceReadIOps", "throttleReadIOPSDevice"],
  ["BlkioDeviceWriteIOps", "throttleWriteIOPSDevice"],
] as const;

export const deviceLists = ["BlkioWeightDevice", ...rateLists.map(([name]) => name)] as const;
type DeviceLists = Partial<Pick<HostConfig, (typeof deviceLists)[number]>>;
export type DeviceLimits = Omit<BlockIo, "weight" | "leafWeight">;

/** Only what is limited. Throws for a path that is no block device. */
export async function findThrottles(lists: DeviceLists): Promise<DeviceLimits> {
  const weights = (lists.BlkioWeightDevice ?? []).map(async ({ Path, Weight }) => ({
    ...(await numberOf(Path)),
    weight: Weight,
  }));
  const found = [
    ["weightDevice", await Promise.all(weights)],
    ...(await Promise.all(
      rateLists.map(async ([name, kind]) => [kind, await ratesOf(lists[name])] as const),
    )),
  ] as const;
  return Object.fromEntries(found.filter(([, list]) => list.length > 0));
}

/** What an update changes: a device that is in its list no longer has its rate set back. Its weight stays until the next start. */
export async function findThrottleChanges(before: HostConfig, update: UpdateRequest): Promise<DeviceLimits> {
  const next = await findThrottles(update);
  const changes = rateLists.map(async ([name, kind]) => {
    if (update[name] === undefined) return [];
    const rates = next[kind] ?? [];
    const isKept = (old: DeviceRate): boolean =>
      rates.some(({ major, minor }) => major === old.major && minor === old.minor);
    const dropped = (await existing(before[name])).filter((old) => !isKept(old));
    const all = [...dropped.map((old) => ({ ...old, rate: 0 })), ...rates];
    return all.length === 0 ? [] : [[kind, all] as const];
  });
  return { ...next, ...Object.fromEntries((await Promise.all(changes)).flat()) };
}

type Rates = HostConfig["BlkioDeviceReadBps"] | undefined;

const ratesOf = (list: Rates): Promise<readonly DeviceRate[]> =>
  Promise.all((list ?? []).map(async ({ Path, Rate }) => ({ ...(await numberOf(Path)), rate: Rate })));

/** A device that is gone has no rate to set back. */
async function existing(list: Rates): Promise<readonly DeviceRate[]> {
  const each = (list ?? []).map((one) =>
    ratesOf([one]).catch((error: unknown) => {
      if (error instanceof EngineError) return [];
      throw error;
    }),
  );
  return (await Promise.all(each)).flat();
}

async function numberOf(path: string): Promise<{ readonly major: number; readonly minor: number }> {
  const info = await stat(path, { bigint: true }).catch((error: unknown) => {
    throw systemError(`stat ${path}: no such file or directory`, { cause: error });
  });
  if (!info.isBlockDevice()) throw invalid(`${path} is not a block device`);
  return deviceNumber(info.rdev);
}
