import assert from "node:assert/strict";
import { test } from "node:test";
import { alignColumns } from "./table.ts";

test("a column is as wide as its widest cell and three, at least ten", () => {
  assert.equal(
    alignColumns("A\tNAME\tX\nb\tlonger-than-ten\ty\n"),
    ["A         NAME              X", "b         longer-than-ten   y", ""].join("\n"),
  );
});

test("lines without a cell in a column part its widths", () => {
  assert.equal(alignColumns("wide-wide-wide\tx\nplain\nn\ty"), "wide-wide-wide   x\nplain\nn         y");
});
