// What a prune removed, as text.

import type { PruneReport } from "#client/containers.ts";

/** "untagged: …" and "deleted: …", a line each. */
export const deletedImages = ({ ImagesDeleted }: PruneReport): string =>
  (ImagesDeleted ?? [])
    .map(({ Untagged, Deleted }) =>
      Untagged !== undefined && Untagged !== "" ? `untagged: ${Untagged}\n` : `deleted: ${Deleted}\n`,
    )
    .join("");

/** A head and names, a line each; "" if there are none. */
export const deletedNames = (head: string, names: readonly string[] | null | undefined): string =>
  (names ?? []).length === 0 ? "" : `${head}\n${(names ?? []).join("\n")}\n\n`;
