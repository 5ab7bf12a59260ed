import assert from "node:assert/strict";
import { test } from "node:test";
import { findIpv4, formatIpv4 } from "./ipv4.ts";

test("addresses are read and written", () => {
  assert.equal(findIpv4("172.17.0.2"), 0xac110002);
  assert.equal(formatIpv4(0xac110002), "172.17.0.2");
  for (const wrong of ["", "1.2.3", "1.2.3.4.5", "256.1.1.1", "01.2.3.4", "1.2.3.x", "::1"])
    assert.equal(findIpv4(wrong), undefined, wrong);
});
