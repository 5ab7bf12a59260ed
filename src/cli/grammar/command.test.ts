import assert from "node:assert/strict";
import { test } from "node:test";
import { ANY, checkArguments } from "./command.ts";

const rows: readonly (readonly [readonly [number, number], number, string, string])[] = [
  [[0, 0], 1, "gantry: 'gantry x' accepts no arguments", "Run"],
  [[1, 1], 2, "gantry: 'gantry x' requires 1 argument", "Run"],
  [[2, 2], 1, "gantry: 'gantry x' requires 2 arguments", "Run"],
  [[1, ANY], 0, "gantry: 'gantry x' requires at least 1 argument", "See"],
  [[2, ANY], 1, "gantry: 'gantry x' requires at least 2 arguments", "See"],
  [[0, 1], 2, "gantry: 'gantry x' requires at most 1 argument", "SRun"],
  [[1, 2], 3, "gantry: 'gantry x' requires at least 1 and at most 2 arguments", "Run"],
];
for (const [takes, given, message, verb] of rows)
  test(`${given} arguments where ${takes.join(" to ")} are taken`, () => {
    assert.throws(() => checkArguments("gantry x", takes, given), { name: "ArgumentError", message, verb });
  });

test("a number of arguments that is taken is no error", () => {
  checkArguments("gantry x", [1, ANY], 7);
});
