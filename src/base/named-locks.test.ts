import assert from "node:assert/strict";
import { test } from "node:test";
import { NamedLocks } from "./named-locks.ts";

test("holders of one name take turns, others are not held up", async () => {
  const locks = new NamedLocks();
  using first = await locks.acquire("a");
  const order: string[] = [];
  const second = locks.acquire("a").then((held) => {
    order.push("second a");
    held[Symbol.dispose]();
  });
  (await locks.acquire("b"))[Symbol.dispose]();
  order.push("b");
  first[Symbol.dispose]();
  await second;
  (await locks.acquire("a"))[Symbol.dispose]();
  assert.deepEqual(order, ["b", "second a"]);
});
