import assert from "node:assert/strict";
import { test } from "node:test";
import { findMac } from "./mac-address.ts";

test("a MAC address is read in each of its notations", () => {
  for (const text of ["02:42:ac:11:00:02", "02-42-AC-11-00-02", "0242.ac11.0002"])
    assert.equal(findMac(text), "02:42:ac:11:00:02");
  for (const wrong of ["", "x", "02:42", "02:42:ac:11:00:zz", "02-42:ac:11:00:02", "02:42:ac:11:00:02:03"])
    assert.equal(findMac(wrong), undefined, wrong);
});
