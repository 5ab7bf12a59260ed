import assert from "node:assert/strict";
import { test } from "node:test";
import { type IdFiles, remapOf, spareIds } from "./subordinate-ids.ts";

const files: IdFiles = {
  passwd: "root:x:0:0::/:\nweb:x:33:33::/:\nlone:x:34:34::/:\n",
  group: "root:x:0:\nweb:x:33:\nstaff:x:50:\n",
  subuid: "web:100000:1000\n# web:1:1\n33:500000:10\nother:1:1\nweb:200000:64536\ncontainers:1000:65536\n",
  subgid: "web:300000:65536\ncontainers:2000:65536\n",
};

test("the ranges of a user are in a row, those by its number first", () => {
  const web = remapOf("web", files);
  assert.deepEqual(web, {
    uids: [
      { containerID: 0, hostID: 500_000, size: 10 },
      { containerID: 10, hostID: 100_000, size: 1000 },
      { containerID: 1010, hostID: 200_000, size: 64_536 },
    ],
    gids: [{ containerID: 0, hostID: 300_000, size: 65_536 }],
  });
  for (const same of ["33", "33:33", "web:staff", "web:50"]) assert.deepEqual(remapOf(same, files), web);
});

test("nothing, and root, are no user namespaces", () => {
  assert.equal(remapOf("", files), undefined);
  assert.equal(remapOf("root", files), undefined);
});

const getent = (key: string, database: string) =>
  `getent unable to find entry "${key}" in ${database} database`;

for (const [specification, message] of [
  ["nosuch", `Error during uid lookup for "nosuch": ${getent("nosuch", "passwd")}`],
  ["a:b:c", 'Invalid user/group specification in --userns-remap: "a:b:c"'],
  ["99", `Uid 99 has no entry in /etc/passwd: ${getent("99", "passwd")}`],
  ["34", `Gid 34 has no entry in /etc/group: ${getent("34", "group")}`],
  ["lone", `Error during gid lookup for "lone": ${getent("lone", "group")}`],
  ["web:nosuch", `Error during groupname lookup for "nosuch": ${getent("nosuch", "group")}`],
  ["web:99", `Gid 99 has no entry in /etc/passwd: ${getent("99", "group")}`],
  ["lone:0", `Can't create ID mappings: no subuid ranges found for user "lone"`],
  ["default", '--userns-remap default without a user "dockremap" is not supported by this version of Gantry'],
] as const)
  test(`--userns-remap ${specification} is refused in dockerd's words`, () => {
    assert.throws(() => remapOf(specification, files), { kind: "invalid", message });
  });

test("ranges of a container's own are those of the user containers", () => {
  assert.deepEqual(spareIds(files), {
    uids: [{ containerID: 0, hostID: 1000, size: 65_536 }],
    gids: [{ containerID: 0, hostID: 2000, size: 65_536 }],
  });
  assert.throws(() => spareIds({ ...files, subgid: "" }), /--userns private without ranges of "containers"/);
});
