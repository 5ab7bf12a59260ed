// A volume as the API shows it.

import { claimed } from "#base/decode.ts";
import type { Volume as ShownVolume } from "#spec/engine-api/definitions.table.ts";
import type { Volume } from "./catalog.ts";

/** Labels and options are null when none were given, which the API's own description does not admit. */
export function describeVolume(volume: Volume): ShownVolume {
  return claimed<ShownVolume>({
    ...(volume.createdAt !== "" && { CreatedAt: volume.createdAt }),
    Driver: volume.driver,
    Labels: volume.labels,
    Mountpoint: volume.mountpoint,
    Name: volume.name,
    Options: volume.options,
    Scope: volume.scope,
    ...(volume.status !== undefined && { Status: volume.status }),
  });
}
