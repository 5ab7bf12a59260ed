import assert from "node:assert/strict";
import { test } from "node:test";
import { acceptKey, encodeWebSocketFrame, opcodes, WebSocketDecoder } from "./websocket.ts";

/** A client's frame: masked. */
function mask(opcode: number, text: string, first = 0x80): Buffer {
  const frame = encodeWebSocketFrame(opcode, Buffer.from(text));
  const head = frame.length - Buffer.byteLength(text);
  const key = [1, 2, 3, 4];
  const payload = Buffer.from(frame.subarray(head)).map((byte, at) => byte ^ (key[at % 4] ?? 0));
  frame[0] = first | opcode;
  frame[1] = (frame[1] ?? 0) | 0x80;
  return Buffer.concat([frame.subarray(0, head), Buffer.from(key), payload]);
}

test("the key of RFC 6455's example is answered as it says", () => {
  assert.equal(acceptKey("dGhlIHNhbXBsZSBub25jZQ=="), "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
});

test("frames of RFC 6455's examples", () => {
  assert.equal(encodeWebSocketFrame(opcodes.text, Buffer.from("Hello")).toString("hex"), "810548656c6c6f");
  const masked = Buffer.from("818537fa213d7f9f4d5158", "hex");
  assert.deepEqual(new WebSocketDecoder().decode(masked), [
    { opcode: opcodes.text, payload: Buffer.from("Hello") },
  ]);
});

for (const size of [0, 125, 126, 65535, 65536]) {
  test(`a message of ${size} bytes is read whatever pieces it comes in`, () => {
    const text = "x".repeat(size);
    const bytes = Buffer.concat([mask(opcodes.binary, text), mask(opcodes.ping, "p")]);
    const decoder = new WebSocketDecoder();
    const step = Math.max(1, Math.floor(bytes.length / 50));
    const pieces = [];
    for (let at = 0; at < bytes.length; at += step)
      pieces.push(...decoder.decode(bytes.subarray(at, at + step)));
    const data = pieces.filter(({ opcode }) => opcode === opcodes.binary).map(({ payload }) => payload);
    assert.equal(Buffer.concat(data).toString(), text);
    assert.deepEqual(pieces.at(-1), { opcode: opcodes.ping, payload: Buffer.from("p") });
  });
}

for (const [what, bytes] of [
  ["an unmasked frame", Buffer.from([0x82, 0x01, 0x61])],
  ["a reserved bit", mask(opcodes.binary, "a", 0xc0)],
  ["a control frame in parts", mask(opcodes.ping, "a", 0x00)],
  ["a long control frame", mask(opcodes.ping, "a".repeat(126))],
  ["a length beyond all bounds", Buffer.from("82ffffffffffffffffff00000000", "hex")],
] as const) {
  test(`refused: ${what}`, () => {
    assert.throws(() => new WebSocketDecoder().decode(bytes), /WebSocket/);
  });
}
