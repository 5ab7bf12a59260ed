import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { parseIpv4 } from "../ipv4.ts";
import { uint32be } from "../netlink/attributes.ts";
import { decodeMessages, NLM_F_ACK } from "../netlink/message.ts";
import { verdict } from "./expressions.ts";
import {
  addChain,
  addElements,
  addRule,
  addTable,
  concatenate,
  decodeGeneration,
  decodeRule,
  deleteElements,
  encodeBatch,
} from "./messages.ts";

const TABLE = "gantry-x";

/** The batches of nft, message by message. */
function readBatches(): readonly (readonly Buffer[])[] {
  const text = readFileSync(new URL("fixtures/nft.hex", import.meta.url), "utf8");
  return text
    .split(/^#.*\n/m)
    .filter((part) => part !== "")
    .map((part) =>
      part
        .trim()
        .split("\n")
        .map((line) => Buffer.from(line, "hex")),
    );
}

/** What a message means to the kernel: no sequence number, no length, no ACK. */
const body = (message: Uint8Array): string => {
  const [decoded] = decodeMessages(message);
  assert.ok(decoded);
  return `${decoded.type} ${decoded.flags & ~NLM_F_ACK} ${Buffer.from(decoded.body).toString("hex")}`;
};

test("a map element is added and deleted as nft does", () => {
  const [addition, deletion] = readBatches();
  const key = concatenate(uint32be(parseIpv4("127.0.0.1")), Uint8Array.of(6), Uint8Array.of(0, 80));
  const value = concatenate(uint32be(parseIpv4("172.17.0.2")), Uint8Array.of(0x1f, 0x90));
  const second = (batch: readonly Uint8Array[] | undefined): string => {
    const message = batch?.[1];
    assert.ok(message);
    return body(message).replace("0800040000000001", "");
  };
  assert.equal(second(encodeBatch([addElements(TABLE, "at", [{ key, value }])])), second(addition));
  assert.equal(second(encodeBatch([deleteElements(TABLE, "at", [{ key }])])), second(deletion));
});

test("a batch is framed and numbered", () => {
  const batch = encodeBatch([addTable(TABLE), addChain(TABLE, "user")]);
  assert.deepEqual(
    batch.map((message) => new DataView(message.buffer, message.byteOffset).getUint32(8, true)),
    [0, 1, 2, 3],
  );
  const [theirs] = readBatches();
  assert.ok(theirs?.[0]);
  assert.equal(Buffer.from(batch[0] ?? []).toString("hex"), theirs[0].toString("hex"));
});

test("rules are read back, other messages are not rules", () => {
  const message = addRule(TABLE, "raw", [verdict("drop")]);
  assert.deepEqual(decodeRule(message), { table: TABLE, chain: "raw" });
  assert.equal(decodeGeneration(message), undefined);
});
