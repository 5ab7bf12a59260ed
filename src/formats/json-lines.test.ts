import assert from "node:assert/strict";
import { Readable } from "node:stream";
import { test } from "node:test";
import { parseJsonLines } from "./json-lines.ts";

test("an object split across chunks, even inside a character, is parsed once", async () => {
  const bytes = Buffer.from('{"a":"é"}\r\n\n{"b":2}');
  const chunks = [...bytes].map((byte) => Uint8Array.of(byte));
  assert.deepEqual(await Array.fromAsync(parseJsonLines(Readable.from(chunks))), [{ a: "é" }, { b: 2 }]);
});

test("text that is not JSON is an error", async () => {
  await assert.rejects(Array.fromAsync(parseJsonLines(Readable.from([Buffer.from("nope\n")]))), SyntaxError);
});
