// How the ids of a user namespace are the machine's: as the kernel takes it, and as options of a root file system's mount.

import { invalid } from "#base/errors.ts";
import type { IdMapping } from "./oci-runtime.ts";

export interface IdMaps {
  readonly uids: readonly IdMapping[];
  readonly gids: readonly IdMapping[];
}

/** Lines of uid_map and gid_map (man 7 user_namespaces). */
export const encodeMappings = (mappings: readonly IdMapping[]): Uint8Array =>
  new TextEncoder().encode(
    mappings.map(({ containerID, hostID, size }) => `${containerID} ${hostID} ${size}\n`).join(""),
  );

/** The machine's id of the namespace's root. */
export function rootOf(mappings: readonly IdMapping[]): number {
  const first = mappings.find(({ containerID }) => containerID === 0);
  if (first === undefined) throw invalid("the id maps do not map root");
  return first.hostID;
}

const UIDS = "idmap-uids=";
const GIDS = "idmap-gids=";

/** The layers keep their owners on the disk, and are mounted as the maps show them. */
export const idMapOptions = ({ uids, gids }: IdMaps): readonly string[] => [
  UIDS + formatMappings(uids),
  GIDS + formatMappings(gids),
];

/** The other way round; `rest` are the options of the file system. */
export function readIdMapOptions(options: readonly string[]): {
  readonly maps: IdMaps | undefined;
  readonly rest: readonly string[];
} {
  const find = (key: string): string | undefined =>
    options.find((option) => option.startsWith(key))?.slice(key.length);
  const [uids, gids] = [find(UIDS), find(GIDS)];
  if (uids === undefined || gids === undefined) return { maps: undefined, rest: options };
  const rest = options.filter((option) => !option.startsWith(UIDS) && !option.startsWith(GIDS));
  return { maps: { uids: parseMappings(uids), gids: parseMappings(gids) }, rest };
}

const formatMappings = (mappings: readonly IdMapping[]): string =>
  mappings.map(({ containerID, hostID, size }) => `${containerID}:${hostID}:${size}`).join("+");

const parseMappings = (text: string): readonly IdMapping[] =>
  text.split("+").map((part) => {
    const numbers = part.split(":").map(Number);
    const [containerID = -1, hostID = -1, size = 0] = numbers;
    if (numbers.length !== 3 || !numbers.every((number) => Number.isSafeInteger(number) && number >= 0))
      throw invalid(`invalid id map: ${text}`);
    return { containerID, hostID, size };
  });
