import assert from "node:assert/strict";
import { EventEmitter } from "node:events";
import { test } from "node:test";
import { firstEvent } from "./first-event.ts";

test("waiting again and again leaves no listeners", async () => {
  const emitter = new EventEmitter();
  for (const name of ["drain", "error", "drain"]) {
    const waiting = firstEvent(emitter, ["drain", "error"]);
    emitter.emit(name);
    await waiting;
  }
  assert.deepEqual(emitter.eventNames(), []);
});
