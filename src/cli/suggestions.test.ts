import assert from "node:assert/strict";
import { test } from "node:test";
import { suggestNames } from "./suggestions.ts";

const names = ["run", "rm", "rmi", "ps", "pull", "images", "container"];

const rows: readonly (readonly [string, readonly string[]])[] = [
  ["runn", ["run"]],
  ["conatiner", ["container"]],
  ["cont", ["container"]],
  ["image", ["images"]],
  ["RUN", ["run"]],
  ["xyzzy", []],
  ["foo", []],
];
for (const [mistyped, near] of rows)
  test(`${mistyped} may have been meant to be ${near.join() || "anything"}`, () => {
    assert.deepEqual(
      suggestNames(mistyped, names).filter((name) => near.includes(name)),
      near,
    );
    if (near.length === 0) assert.deepEqual(suggestNames(mistyped, names), []);
  });
