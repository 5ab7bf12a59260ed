// Volumes with what they take and how many containers refer to them, for `docker system df`.

import type { Volume as ShownVolume } from "#spec/engine-api/definitions.table.ts";
import { describeVolume } from "./describe.ts";
import { measureDirectory } from "./measure.ts";
import type { LocalVolumes } from "./volumes.ts";

export async function measureVolumes(
  volumes: Pick<LocalVolumes, "list" | "usersOf">,
  signal: AbortSignal,
): Promise<readonly ShownVolume[]> {
  const measured: ShownVolume[] = [];
  for (const volume of volumes.list())
    measured.push({
      ...describeVolume(volume),
      UsageData: {
        Size: await measureDirectory(volume.mountpoint, signal),
        RefCount: volumes.usersOf(volume.name).length,
      },
    });
  return measured;
}
