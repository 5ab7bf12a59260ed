// The ids of the machine that containers are mapped to: --userns-remap by Docker's rules and in its words, from /etc/passwd, /etc/group,
// /etc/subuid and /etc/subgid.

import { readFileSync } from "node:fs";
import { invalid, unsupported } from "#base/errors.ts";
import type { IdMaps } from "#spec/id-maps.ts";
import type { IdMapping } from "#spec/oci-runtime.ts";

/** Texts of the files; "" if one is missing. */
export interface IdFiles {
  readonly passwd: string;
  readonly group: string;
  readonly subuid: string;
  readonly subgid: string;
}

/** dockerd makes this user for "default". */
const DEFAULT_USER = "dockremap";

/** Those that podman's --userns=auto takes its ranges from, too. */
const PRIVATE_USER = "containers";

const fileNames = {
  passwd: "/etc/passwd",
  group: "/etc/group",
  subuid: "/etc/subuid",
  subgid: "/etc/subgid",
};

export const readIdFiles = (): IdFiles => ({
  passwd: readText(fileNames.passwd),
  group: readText(fileNames.group),
  subuid: readText(fileNames.subuid),
  subgid: readText(fileNames.subgid),
});

function readText(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return "";
  }
}

/** undefined: user namespaces are off, as for "" and for root. */
export function remapOf(specification: string, files: IdFiles): IdMaps | undefined {
  if (specification === "") return undefined;
  const user = findUser(specification, files);
  if (user.name === "root") return undefined;
  const uids = rangesOf(files.subuid, user);
  const gids = rangesOf(files.subgid, user);
  if (uids.length === 0) throw cannotMap(`no subuid ranges found for user "${user.name}"`);
  if (gids.length === 0) throw cannotMap(`no subgid ranges found for user "${user.name}"`);
  return { uids: inARow(uids), gids: inARow(gids) };
}

const cannotMap = (reason: string): Error => invalid(`Can't create ID mappings: ${reason}`);

/** The ranges that containers with --userns private get theirs from. */
export function spareIds(files: IdFiles): IdMaps {
  const user = { name: PRIVATE_USER, id: -1 };
  const maps = { uids: inARow(rangesOf(files.subuid, user)), gids: inARow(rangesOf(files.subgid, user)) };
  if (maps.uids.length > 0 && maps.gids.length > 0) return maps;
  throw unsupported(`--userns private without ranges of "${PRIVATE_USER}" in /etc/subuid and /etc/subgid`);
}

interface Entry {
  readonly name: string;
  readonly id: number;
}

/** USER or USER:GROUP. The group has to exist, but its ranges are those of the user. */
function findUser(specification: string, files: IdFiles): Entry {
  const [user = "", group, ...more] = specification.split(":");
  if (more.length > 0)
    throw invalid(`Invalid user/group specification in --userns-remap: ${JSON.stringify(specification)}`);
  const found = isNumber(user) ? userById(Number(user), files) : userByName(user, files);
  if (group !== undefined) checkGroup(group, files);
  else if (isNumber(user)) groupById(Number(user), files, "/etc/group");
  else groupByName(user === "default" ? DEFAULT_USER : user, files, "gid");
  return found;
}

const notFound = (key: string | number, database: "passwd" | "group"): string =>
  `getent unable to find entry "${key}" in ${database} database`;

const isNumber = (text: string): boolean => /^[+-]?\d+$/.test(text);

function userById(id: number, { passwd }: IdFiles): Entry {
  const found = entriesOf(passwd).find((entry) => entry.id === id);
  if (found === undefined) throw invalid(`Uid ${id} has no entry in /etc/passwd: ${notFound(id, "passwd")}`);
  return found;
}

function userByName(name: string, { passwd }: IdFiles): Entry {
  const wanted = name === "default" ? DEFAULT_USER : name;
  const found = entriesOf(passwd).find((entry) => entry.name === wanted);
  if (found !== undefined) return found;
  if (name === "default") throw unsupported(`--userns-remap default without a user "${DEFAULT_USER}"`);
  throw invalid(`Error during uid lookup for ${JSON.stringify(name)}: ${notFound(name, "passwd")}`);
}

const checkGroup = (group: string, files: IdFiles): void =>
  isNumber(group) ? groupById(Number(group), files, "/etc/passwd") : groupByName(group, files, "groupname");

/** `told`: the file that Docker names. */
function groupById(id: number, { group }: IdFiles, told: string): void {
  if (!entriesOf(group).some((entry) => entry.id === id))
    throw invalid(`Gid ${id} has no entry in ${told}: ${notFound(id, "group")}`);
}

function groupByName(name: string, { group }: IdFiles, what: string): void {
  if (!entriesOf(group).some((entry) => entry.name === name))
    throw invalid(`Error during ${what} lookup for ${JSON.stringify(name)}: ${notFound(name, "group")}`);
}

/** Of passwd and group: NAME:PASSWORD:ID:… */
const entriesOf = (text: string): readonly Entry[] =>
  text.split("\n").flatMap((line) => {
    const [name = "", , id = ""] = line.split(":");
    return /^\d+$/.test(id) ? [{ name, id: Number(id) }] : [];
  });

interface Range {
  readonly start: number;
  readonly size: number;
}

/** Of subuid and subgid, by the user's number and by its name: NAME:START:SIZE. */
function rangesOf(text: string, user: Entry): readonly Range[] {
  const lines = text.split("\n").map((line) => line.trim());
  const of = (name: string): readonly Range[] =>
    lines.flatMap((line) => {
      if (line === "" || line.startsWith("#")) return [];
      const [owner, start = "", size = ""] = line.split(":");
      if (owner !== name && owner !== "ALL") return [];
      if (!/^\d+$/.test(start) || !/^\d+$/.test(size)) throw cannotMap(`invalid subordinate ids: ${line}`);
      return [{ start: Number(start), size: Number(size) }];
    });
  return user.id < 0 ? of(user.name) : [...of(String(user.id)), ...of(user.name)];
}

/** Ids in the container go on where the range before has ended. */
function inARow(ranges: readonly Range[]): readonly IdMapping[] {
  let containerID = 0;
  return ranges.map(({ start, size }) => {
    const mapping = { containerID, hostID: start, size };
    containerID += size;
    return mapping;
  });
}
