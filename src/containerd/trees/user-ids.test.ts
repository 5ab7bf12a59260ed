import assert from "node:assert/strict";
import { test } from "node:test";
import { translationOf } from "./user-ids.ts";

const range = (inside: number, outside: number, count: number) => ({ inside, outside, count });
const ids = translationOf({ users: [range(0, 1000, 10)], groups: [range(0, 2000, 10), range(50, 60, 1)] });
const owned = (uid: number, gid: number, name = "user.x", hex = "") => ({
  uid,
  gid,
  xattrs: [{ name, value: Buffer.from(hex, "hex") }],
});
const hexOf = ({ xattrs: [first] }: ReturnType<typeof owned>): string =>
  Buffer.from(first?.value ?? "").toString("hex");

test("ids are what the namespace knows them by; others are nobody's, and none can be given", () => {
  const { uid, gid } = ids.toInside(owned(1003, 60));
  assert.deepEqual([uid, gid], [3, 50]);
  assert.equal(ids.toInside(owned(3, 60)).uid, 65_534);
  assert.deepEqual(ids.toOutside(owned(9, 0)).gid, 2000);
  assert.throws(() => ids.toOutside(owned(10, 0)), /EINVAL/);
  assert.deepEqual(ids.root, { uid: 1000, gid: 2000 });
});

test("without a namespace nothing changes", () => {
  const all = [range(0, 0, 2 ** 32 - 1)];
  const file = owned(5, 6);
  assert.equal(translationOf({ users: all, groups: all }).toOutside(file), file);
});

test("a file's capabilities count for the namespace alone", () => {
  const plain = `01000002${"00".repeat(16)}`;
  const rooted = `01000003${"00".repeat(16)}e8030000`;
  assert.equal(hexOf(ids.toOutside(owned(0, 0, "security.capability", plain))), rooted);
  assert.equal(hexOf(ids.toInside(owned(1000, 2000, "security.capability", rooted))), plain);
});

test("named users and groups of an access list are translated, its other entries stay", () => {
  const entries = (user: string, group: string): string =>
    `02000000${`01000700ffffffff02000700${user}08000500${group}10000700ffffffff`}`;
  const inside = entries("03000000", "32000000");
  const outside = entries("eb030000", "3c000000");
  assert.equal(hexOf(ids.toOutside(owned(0, 0, "system.posix_acl_access", inside))), outside);
  assert.equal(hexOf(ids.toInside(owned(1000, 2000, "system.posix_acl_access", outside))), inside);
});
