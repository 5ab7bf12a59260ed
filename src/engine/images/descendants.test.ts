import assert from "node:assert/strict";
import { test } from "node:test";
import { findDescendants } from "./descendants.ts";
import type { LocalImage } from "./local-image.ts";

const image = (id: string, parent?: string): LocalImage => ({
  ...{ id, records: [], names: [], others: [], layers: [], chainIds: [] },
  manifest: { mediaType: "m", digest: id, size: 1 },
  config: { rootfs: { diff_ids: [] }, ...(parent !== undefined && { parent }) },
});

test("children and their children are descendants, also if a parent is gone or its own", async () => {
  const all = [image("base"), image("child", "base"), image("grandchild", "child"), image("other")];
  const catalog = { list: async () => [...all, image("orphan", "gone"), image("loop", "loop")] };
  const found = async (id: string) => [...(await findDescendants(catalog, id))];
  assert.deepEqual(await found("base"), ["base", "child", "grandchild"]);
  assert.deepEqual(await found("other"), ["other"]);
  assert.deepEqual(await found("gone"), ["gone", "orphan"]);
  assert.deepEqual(await found("loop"), ["loop"]);
});
