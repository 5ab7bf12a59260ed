import assert from "node:assert/strict";
import { test } from "node:test";
import { countListeners, withListeners } from "./socket-activation.ts";

test("sockets that are for another process are not the container's", () => {
  const env = { LISTEN_FDS: "2", LISTEN_PID: "41" };
  assert.equal(countListeners({ env, pid: 41 }), 2);
  assert.equal(countListeners({ env, pid: 42 }), 0);
  assert.equal(countListeners({ env: { LISTEN_PID: "42" }, pid: 42 }), 0);
});

test("the program is told of its sockets", () => {
  const process = { cwd: "/", env: ["A=1"] };
  assert.deepEqual(withListeners(process, 2).env, ["A=1", "LISTEN_FDS=2", "LISTEN_PID=1"]);
  assert.equal(withListeners(process, 0), process);
});
