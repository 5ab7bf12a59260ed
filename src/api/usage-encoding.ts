// GET /system/df as the API's versions show it: lists until 1.51, sums with lists below them since 1.52.

import type { ListedContainer } from "#engine/containers/list.ts";
import type { ImageUsage } from "#engine/images/usage.ts";
import type { DiskUsageReport } from "#engine/system/disk-usage.ts";
import type { Volume } from "#spec/engine-api/definitions.table.ts";
import { encodeImageSummary } from "./image-encoding.ts";

type Shown = Readonly<Record<string, unknown>>;

/** `verbose`: a client of 1.52 that does not read the older lists, which the others get besides. */
export function encodeUsage(
  report: DiskUsageReport,
  { minor, verbose }: { readonly minor: number; readonly verbose: boolean },
): Shown {
  const own = encodeDiscarded(report);
  if (minor < 52)
    return {
      ...{ Images: null, Containers: null, Volumes: null, BuildCache: null },
      ...encodeLists(report, minor),
      ...own,
    };
  return { ...(!verbose && encodeLists(report, minor)), ...encodeSums(report, minor), ...own };
}

/** Gantry's own. */
const encodeDiscarded = ({ discarded }: DiskUsageReport): Shown =>
  discarded === undefined
    ? {}
    : {
        DiscardedLayers: {
          TotalCount: discarded.blobs,
          TotalSize: discarded.bytes,
          RecordSize: discarded.recordBytes,
        },
      };

const encodeImages = (images: readonly ImageUsage[], minor: number): readonly Shown[] =>
  images.map((one) => encodeImageSummary({ ...one.listed, ...one }, minor));

const encodeContainers = (containers: readonly ListedContainer[], minor: number): readonly Shown[] =>
  minor >= 52 ? containers : containers.map(({ Health: _newer, ...rest }) => rest);

const encodeLists = ({ images, containers, volumes, buildCache }: DiskUsageReport, minor: number): Shown => ({
  ...(images && { LayersSize: images.layersSize, Images: encodeImages(images.images, minor) }),
  ...(containers && { Containers: encodeContainers(containers, minor) }),
  ...(volumes && { Volumes: volumes }),
  ...(buildCache && { BuildCache: buildCache }),
});

const encodeSums = ({ images, containers, volumes, buildCache }: DiskUsageReport, minor: number): Shown => ({
  ...(images && {
    ImageUsage: withoutZeros({
      ...sumImages(images.images),
      TotalSize: images.layersSize,
      Items: encodeImages(images.images, minor),
    }),
  }),
  ...(containers && {
    ContainerUsage: withoutZeros({
      ...sumContainers(containers),
      Items: encodeContainers(containers, minor),
    }),
  }),
  ...(volumes && { VolumeUsage: withoutZeros({ ...sumVolumes(volumes), Items: volumes }) }),
  ...(buildCache && { BuildCacheUsage: {} }),
});

/** Go leaves out what is zero or empty. */
const withoutZeros = (usage: Shown): Shown =>
  Object.fromEntries(
    Object.entries(usage).filter(([, value]) => value !== 0 && !(Array.isArray(value) && value.length === 0)),
  );

const add = (numbers: readonly number[]): number => numbers.reduce((total, number) => total + number, 0);

function sumImages(images: readonly ImageUsage[]): Shown {
  const unused = images.filter(({ containers }) => containers === 0);
  return {
    ActiveCount: images.length - unused.length,
    TotalCount: images.length,
    Reclaimable: add(unused.map(({ listed, sharedSize }) => listed.size - sharedSize)),
  };
}

function sumContainers(containers: readonly ListedContainer[]): Shown {
  const idle = containers.filter(({ State }) => !["running", "paused", "restarting"].includes(State));
  return {
    ActiveCount: containers.length - idle.length,
    TotalCount: containers.length,
    Reclaimable: add(idle.map(({ SizeRw = 0 }) => SizeRw)),
    TotalSize: add(containers.map(({ SizeRw = 0 }) => SizeRw)),
  };
}

/** A volume whose size is not known (-1) counts as used. */
function sumVolumes(volumes: readonly Volume[]): Shown {
  const known = volumes
    .map(({ UsageData }) => UsageData ?? { Size: -1, RefCount: 0 })
    .filter(({ Size }) => Size !== -1);
  const unused = known.filter(({ RefCount }) => RefCount === 0);
  return {
    ActiveCount: volumes.length - unused.length,
    TotalCount: volumes.length,
    Reclaimable: add(unused.map(({ Size }) => Size)),
    TotalSize: add(known.map(({ Size }) => Size)),
  };
}
