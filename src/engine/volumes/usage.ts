// Volumes with what they take and how many containers refer to them, for `docker system df`.

import type { Volume as ShownVolume } from "#spec/engine-api/definitions.table.ts";
import type { DirectorySizes } from "../disk/directory-sizes.ts";
import { describeVolume } from "./describe.ts";
import type { Volumes } from "./volumes.ts";

export const measureVolumes = (
  volumes: Pick<Volumes, "plain" | "usersOf">,
  sizes: DirectorySizes,
): Promise<readonly ShownVolume[]> =>
  Promise.all(
    volumes.plain().map(async (volume) => ({
      ...describeVolume(volume),
      UsageData: {
        Size: await sizes.size(volume.mountpoint),
        RefCount: volumes.usersOf(volume.name).length,
      },
    })),
  );
