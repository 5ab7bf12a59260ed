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
  /** Names with commas between them. */
  readonly members: string;
}

const MAX_ID = 2_147_483_647;
/** Of a line of passwd. */
const MAX_FIELDS = 7;

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
  const wantedUid = userText === "" ? 0 : parseId(userText);
  const entry = readPasswd(files.passwd).find((candidate) =>
    wantedUid === undefined ? candidate.name === userText : candidate.uid === wantedUid,
  );
  const uid = wantedUid ?? entry?.uid;
  if (uid === undefined) throw invalid(`unable to find user ${userText}: no matching entries in passwd file`);
  const own = groupText === "" && entry !== undefined ? memberships(entry.name, files.group) : [];
  const gid = groupText === "" ? (entry?.gid ?? 0) : findGroup(groupText, files.group, "unable");
  const added = groupAdd.map((name) => findGroup(name, files.group, "Unable"));
  return { uid, gid, additionalGids: [...new Set([gid, ...own, ...added])], home: entry?.home || "/" };
}

const memberships = (user: string, group: string): readonly number[] => [
  ...readGroups(group)
    .filter(({ members }) => user !== "" && `,${members},`.includes(`,${user},`))
    .map(({ gid }) => gid),
];

function findGroup(text: string, group: string, verb: string): number {
  const gid = parseId(text) ?? readGroups(group).find(({ name }) => name === text)?.gid;
  if (gid === undefined) throw invalid(`${verb} to find group ${text}: no matching entries in group file`);
  return gid;
}

/** One at a time: a hostile file has very many. */
function* lines(text: string): Generator<readonly string[]> {
  for (let at = 0; at < text.length; ) {
    const end = text.indexOf("\n", at);
    const line = text.slice(at, end < 0 ? text.length : end).trim();
    at = end < 0 ? text.length : end + 1;
    if (line !== "" && !line.startsWith("#")) yield line.split(":", MAX_FIELDS);
  }
}

const toNumber = (text: string): number => (/^\d{1,10}$/.test(text) ? Number(text) : 0);

const readPasswd = (text: string): IteratorObject<PasswdEntry> =>
  lines(text).map(([name = "", , uid = "", gid = "", , home = ""]) => ({
    name,
    uid: toNumber(uid),
    gid: toNumber(gid),
    home,
  }));

const readGroups = (text: string): IteratorObject<GroupEntry> =>
  lines(text).map(([name = "", , gid = "", members = ""]) => ({
    name,
    gid: toNumber(gid),
    members,
  }));
