// What a bind mount may be given, and where its source is.

import { posix } from "node:path";
import { invalid } from "#base/errors.ts";
import type { Mount, Spec } from "#spec/oci-runtime.ts";
import { MS_REMOUNT } from "../linux-flags.table.ts";
import { parseMountOptions } from "./mount-options.ts";

/** The specification with the sources of its bind mounts absolute: relative ones are below the bundle. */
export function withBindSources(spec: Spec, bundle: string | undefined): Spec {
  const { mounts } = spec;
  return mounts === undefined ? spec : { ...spec, mounts: mounts.map((mount) => resolve(mount, bundle)) };
}

function resolve(mount: Mount, bundle: string | undefined): Mount {
  const { bind, flags, data } = parseMountOptions(mount);
  const { source = "", destination } = mount;
  if (bind === "no") return mount;
  if (data.length > 0)
    throw invalid(
      `invalid mount ${destination}: bind mounts cannot have any filesystem-specific options applied: ${data.join(",")}`,
    );
  if (posix.isAbsolute(source) || flags & MS_REMOUNT) return mount;
  if (source === "") throw invalid(`invalid mount ${destination}: a bind mount needs a source`);
  if (bundle === undefined)
    throw invalid(`invalid mount ${destination}: source ${source} is relative and there is no bundle`);
  return { ...mount, source: posix.join(bundle, source) };
}
