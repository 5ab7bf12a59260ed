import assert from "node:assert/strict";
import { test } from "node:test";
import { type PortRange, planShift } from "./range-shift.ts";

/** As nf_nat_l4proto_unique_tuple computes it. */
const translate = (port: number, to: PortRange): number => to.first + (port % (to.last - to.first + 1));

const rows: readonly (readonly [number, number, number])[] = [
  [20_000, 30_000, 20_100],
  [20_000, 30_000, 10_000],
  [8000, 8010, 80],
  [1, 1000, 2],
  [60_000, 65_535, 59_999],
  [60_000, 65_535, 1],
  [100, 1000, 50],
  [2, 65_535, 1],
  [32_768, 65_535, 1],
  [1, 65_534, 2],
];
for (const [first, last, container] of rows)
  test(`every port of ${first}-${last} goes where it belongs from ${container} on`, () => {
    let next = first;
    for (const { hostPorts, to } of planShift({ first, last }, container)) {
      assert.equal(hostPorts.first, next, "no gap");
      assert.ok(to.first >= 0 && to.last <= 65_535 && to.first <= to.last, "a range of ports");
      for (let port = hostPorts.first; port <= hostPorts.last; port++)
        assert.equal(translate(port, to), container + port - first);
      next = hostPorts.last + 1;
    }
    assert.equal(next, last + 1);
  });

test("a range that does not begin below its own length is one", () => {
  assert.equal(planShift({ first: 20_000, last: 30_000 }, 10_000).length, 1);
  assert.equal(planShift({ first: 20_000, last: 30_000 }, 40_000).length, 1);
});
