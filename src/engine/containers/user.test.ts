import assert from "node:assert/strict";
import { test } from "node:test";
import { resolveUser } from "./user.ts";

const files = {
  passwd: "root:x:0:0:root:/root:/bin/sh\nweb:x:33:34:web:/srv:/bin/sh\n1000:x:0:0::/evil:/bin/sh\n",
  group: "root:x:0:root\nadm:x:4:root,web\nwww:x:34:\n4294967296:x:7:\n",
};

for (const [user, groupAdd, expected] of [
  ["", [], { uid: 0, gid: 0, additionalGids: [0, 4], home: "/root" }],
  ["web", [], { uid: 33, gid: 34, additionalGids: [34, 4], home: "/srv" }],
  ["33", [], { uid: 33, gid: 34, additionalGids: [34, 4], home: "/srv" }],
  ["web:adm", [], { uid: 33, gid: 4, additionalGids: [4], home: "/srv" }],
  ["77:88", ["www"], { uid: 77, gid: 88, additionalGids: [88, 34], home: "/" }],
  ["1000", [], { uid: 1000, gid: 0, additionalGids: [0], home: "/" }],
] as const)
  test(`user "${user}" with groups [${groupAdd}]`, () => {
    assert.deepEqual(resolveUser(user, groupAdd, files), expected);
  });

for (const [user, groupAdd, message] of [
  ["nobody", [], "unable to find user nobody: no matching entries in passwd file"],
  ["0:nogrp", [], "unable to find group nogrp: no matching entries in group file"],
  ["0", ["foo"], "Unable to find group foo: no matching entries in group file"],
  ["4294967296", [], "uids and gids must be in range 0-2147483647"],
  ["0:4294967296", [], "uids and gids must be in range 0-2147483647"],
] as const)
  test(`user "${user}" with groups [${groupAdd}] is refused`, () => {
    assert.throws(() => resolveUser(user, groupAdd, files), { kind: "invalid", message });
  });
