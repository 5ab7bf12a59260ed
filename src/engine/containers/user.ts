// --user against the image's /etc/passwd and /etc/group, by the rules of Docker's and runc's user lookup.

import { invalid } from "#base/errors.ts";

/** Texts of the two files; hostile, bounded by the reader. "" if a file is missing. */
export interface UserFiles {
  readonly passwd: string;
  readonly group: string;
}

export interface ContainerUser {
  readonly uid: number;
  readonly gid: number;
  /** The primary group first. */
  readonly additionalGids: readonly number[];
  readonly home: string;
}

interface PasswdEntry {
  readonly name: string;
  readonly uid: number;
  readonly gid: number;
  readonly home: string;
}

interface GroupEntry {
  readonly name: string;
  readonly gid: number;
  readonly members: readonly string[];
}

const MAX_ID = 2_147_483_647;

/** Digits are an id, whatever a line of the image's file is called. */
function parseId(text: string): number | undefined {
  if (!/^\d+$/.test(text)) return undefined;
  const id = Number(text);
  if (id > MAX_ID) throw invalid(`uids and gids must be in range 0-${MAX_ID}`);
  return id;
}

export function resolveUser(
  specification: string,
  groupAdd: readonly string[],
  files: UserFiles,
): ContainerUser {
  const [userText = "", groupText = ""] = specification.split(":", 2);
  const groups = parseGroups(files.group);
  const wantedUid = userText === "" ? 0 : parseId(userText);
  const entry = parsePasswd(files.passwd).find((candidate) =>
    wantedUid === undefined ? candidate.name === userText : candidate.uid === wantedUid,
  );
  const uid = wantedUid ?? entry?.uid;
  if (uid === undefined) throw invalid(`unable to find user ${userText}: no matching entries in passwd file`);
  const own = groupText === "" && entry !== undefined ? memberships(entry.name, groups) : [];
  const gid = groupText === "" ? (entry?.gid ?? 0) : findGroup(groupText, groups, "unable");
  const added = groupAdd.map((name) => findGroup(name, groups, "Unable"));
  return { uid, gid, additionalGids: [...new Set([gid, ...own, ...added])], home: entry?.home || "/" };
}

const memberships = (user: string, groups: readonly GroupEntry[]): readonly number[] =>
  groups.filter(({ members }) => members.includes(user)).map(({ gid }) => gid);

function findGroup(text: string, groups: readonly GroupEntry[], verb: string): number {
  const gid = parseId(text) ?? groups.find(({ name }) => name === text)?.gid;
  if (gid === undefined) throw invalid(`${verb} to find group ${text}: no matching entries in group file`);
  return gid;
}

function* lines(text: string): Generator<readonly string[]> {
  for (const line of text.split("\n")) {
    const trimmed = line.trim();
    if (trimmed !== "" && !trimmed.startsWith("#")) yield trimmed.split(":");
  }
}

const toNumber = (text: string): number => (/^\d{1,10}$/.test(text) ? Number(text) : 0);

function parsePasswd(text: string): readonly PasswdEntry[] {
  return [...lines(text)].map(([name = "", , uid = "", gid = "", , home = ""]) => ({
    name,
    uid: toNumber(uid),
    gid: toNumber(gid),
    home,
  }));
}

function parseGroups(text: string): readonly GroupEntry[] {
  return [...lines(text)].map(([name = "", , gid = "", members = ""]) => ({
    name,
    gid: toNumber(gid),
    members: members.split(",").filter((member) => member !== ""),
  }));
}
