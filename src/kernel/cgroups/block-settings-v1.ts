// Weights and rates of block devices in version 1. The weights belong to the I/O scheduler: CFQ's files went with it, BFQ has its own.

import type { CgroupResources, CgroupSetting } from "./resources.ts";
import { given, nonZero, setting } from "./setting.ts";

const throttleFiles = [
  ["throttleReadBpsDevice", "blkio.throttle.read_bps_device"],
  ["throttleWriteBpsDevice", "blkio.throttle.write_bps_device"],
  ["throttleReadIOPSDevice", "blkio.throttle.read_iops_device"],
  ["throttleWriteIOPSDevice", "blkio.throttle.write_iops_device"],
] as const;

export function blockSettings(
  block: CgroupResources["blockIO"],
  offers: (controller: string, file: string) => boolean,
): readonly CgroupSetting[] {
  if (block === undefined) return [];
  const weights = nonZero(block.weight) !== undefined || (block.weightDevice ?? []).length > 0;
  const scheduler = weights && !offers("blkio", "blkio.weight") ? "blkio.bfq" : "blkio";
  const devices = (block.weightDevice ?? []).flatMap(({ major, minor, weight, leafWeight }) =>
    given("blkio", [
      [`${scheduler}.weight_device`, weight ? `${major}:${minor} ${weight}` : undefined],
      ["blkio.leaf_weight_device", leafWeight ? `${major}:${minor} ${leafWeight}` : undefined],
    ]),
  );
  const rates = throttleFiles.flatMap(([kind, file]) =>
    (block[kind] ?? []).map(({ major, minor, rate }) => setting("blkio", file, `${major}:${minor} ${rate}`)),
  );
  return [
    ...given("blkio", [
      [`${scheduler}.weight`, nonZero(block.weight)],
      ["blkio.leaf_weight", nonZero(block.leafWeight)],
    ]),
    ...devices,
    ...rates,
  ];
}
