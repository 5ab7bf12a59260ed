import assert from "node:assert/strict";
import { test } from "node:test";
import { DetachFilter, parseDetachKeys } from "./detach-keys.ts";

const CTRL_P = 0x10;
const CTRL_Q = 0x11;
const filter = () => new DetachFilter(parseDetachKeys("ctrl-p,ctrl-q"));

test("keys are named as Docker names them", () => {
  assert.deepEqual(parseDetachKeys("ctrl-p,ctrl-q"), [CTRL_P, CTRL_Q]);
  assert.deepEqual(parseDetachKeys("ctrl-@,a,ctrl-["), [0, 0x61, 0x1b]);
  assert.throws(() => parseDetachKeys("ctrl-ä"), /invalid detach keys/);
});

test("the sequence detaches and is not sent", () => {
  const { bytes, detached } = filter().feed(Uint8Array.of(0x61, CTRL_P, CTRL_Q, 0x62));
  assert.deepEqual([[...bytes], detached], [[0x61], true]);
});

test("a sequence that is broken off is sent after all", () => {
  const keys = filter();
  assert.deepEqual([...keys.feed(Uint8Array.of(CTRL_P)).bytes], []);
  assert.deepEqual([...keys.feed(Uint8Array.of(0x61)).bytes], [CTRL_P, 0x61]);
});

test("the first key twice, then the second, detaches and sends one", () => {
  const { bytes, detached } = filter().feed(Uint8Array.of(CTRL_P, CTRL_P, CTRL_Q));
  assert.deepEqual([[...bytes], detached], [[CTRL_P], true]);
});
