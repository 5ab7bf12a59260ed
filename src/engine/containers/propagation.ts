// Binds whose mounts are to show on both sides: what they lie on must be shared with others already.

import { readFile, realpath } from "node:fs/promises";
import { dirname } from "node:path";
import { invalid, systemError } from "#base/errors.ts";
import { type MountInfo, parseMountInfo } from "#kernel/mountinfo/parse-mountinfo.ts";
import type { MountSpec } from "./mount-spec.ts";
import type { MountPoint } from "./record.ts";

const isShared = ({ propagation }: MountInfo): boolean =>
  propagation.some((word) => word.startsWith("shared:"));
const isSlave = ({ propagation }: MountInfo): boolean =>
  propagation.some((word) => word.startsWith("master:"));

/** The mounts, without a propagation that they were given and cannot have. Rejects what a user asked for in Docker's words. */
export async function checkPropagation(mounts: readonly MountPoint[]): Promise<readonly MountPoint[]> {
  const asks = ({ propagation }: MountPoint): boolean => /shared|slave/.test(propagation);
  if (!mounts.some(asks)) return mounts;
  const table = parseMountInfo(await readFile("/proc/self/mountinfo", "utf8"));
  return Promise.all(
    mounts.map(async (mount) => {
      const below = asks(mount) ? findMount(table, await realpath(mount.source)) : undefined;
      if (below === undefined || isShared(below)) return mount;
      if (isSlave(below) && !mount.propagation.includes("shared")) return mount;
      if (mount.chosenSlave === true) return { ...mount, propagation: "rprivate" };
      const wanted = mount.propagation.includes("shared") ? "shared" : "shared or slave";
      throw systemError(
        `path ${mount.source} is mounted on ${below.mountPoint} but it is not a ${wanted} mount`,
      );
    }),
  );
}

/** What is mounted at the path or closest above it; of several at one place the last is seen. */
function findMount(table: readonly MountInfo[], path: string): MountInfo | undefined {
  const found = table.findLast(({ mountPoint }) => mountPoint === path);
  return found !== undefined || path === "/" ? found : findMount(table, dirname(path));
}

/** A bind that says nothing follows the host where it holds mounts of the daemon's own, which must be able to go. */
export function choosePropagation(mount: MountSpec, dataRoot: string): MountSpec {
  const { type, source, propagation } = mount;
  if (type !== "bind") return mount;
  const holdsRoot = source.startsWith(dataRoot) || dataRoot.startsWith(source);
  if (propagation === "")
    return holdsRoot
      ? { ...mount, propagation: "rslave", chosenSlave: true }
      : { ...mount, propagation: "rprivate" };
  if (!holdsRoot || propagation === "rslave" || propagation === "rshared") return mount;
  throw invalid(
    `invalid mount config: must use either propagation mode "rslave" or "rshared" when mount source is within the daemon root, daemon root: "${dataRoot}", bind mount source: "${source}", propagation: "${propagation}"`,
  );
}
