import assert from "node:assert/strict";
import { existsSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { removeTree } from "./remove-tree.ts";

test("a tree goes whatever its names are, and what its links point to stays", async () => {
  const folder = mkdtempSync(join(tmpdir(), "gantry-remove-"));
  const tree = join(folder, "tree");
  mkdirSync(join(tree, "a/b/c"), { recursive: true });
  mkdirSync(join(folder, "kept"));
  writeFileSync(join(folder, "kept/file"), "");
  symlinkSync(join(folder, "kept"), join(tree, "a/link"));
  writeFileSync(Buffer.concat([Buffer.from(`${tree}/`), Buffer.from([0xff, 0xfe])]), "not UTF-8");
  await removeTree(tree);
  assert.equal(existsSync(tree), false);
  assert.equal(existsSync(join(folder, "kept/file")), true);
  rmSync(folder, { recursive: true });
});

test("a tree that is not there is removed already", async () => {
  await removeTree(join(tmpdir(), "gantry-remove-nothing"));
});
