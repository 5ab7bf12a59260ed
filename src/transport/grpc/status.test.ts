import assert from "node:assert/strict";
import { test } from "node:test";
import { EngineError, type ErrorKind } from "#base/errors.ts";
import { decodeError, encodeError } from "./status.ts";

const kinds: readonly (readonly [ErrorKind, string, number])[] = [
  ["invalid", "bad: invalid argument", 3],
  ["notFound", "image x: not found", 5],
  ["conflict", "image x: already exists", 6],
  ["conflict", "namespace x must be empty: failed precondition", 9],
  ["unavailable", "ref x locked: unavailable", 14],
  ["unsupported", "checkpoint: not implemented", 12],
  ["outOfRange", "past the end: out of range", 11],
  ["system", "disk full", 2],
  ["notModified", "", 9],
];
for (const [kind, message, code] of kinds)
  test(`${kind} "${message}" is status ${code} and comes back`, () => {
    const status = encodeError(new EngineError(kind, message), undefined);
    assert.equal(status.code, code);
    const error = decodeError(status, undefined);
    assert.ok(error instanceof EngineError);
    assert.deepEqual([error.kind, error.message], [kind, message]);
  });

test("a real containerd's status without our trailer has a kind too", () => {
  const error = decodeError({ code: 6, message: "image: already exists", trailer: {} }, undefined);
  assert.ok(error instanceof EngineError);
  assert.equal(error.kind, "conflict");
});

test("a bug is internal, a cancelled call is cancelled", () => {
  assert.equal(encodeError(new TypeError("x is undefined"), undefined).code, 13);
  assert.equal(encodeError(new DOMException("stop", "AbortError"), undefined).code, 1);
});
