import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { addressBytes, parseAddress } from "../ip-prefix.ts";
import { decodeMessages, NLM_F_ACK } from "../netlink/message.ts";
import { verdict } from "./expressions.ts";
import { addChain, addRule, addTable, decodeGeneration, decodeRule, encodeBatch } from "./messages.ts";
import { addElements, concatenate, countShown, deleteElements, type SetShape } from "./sets.ts";

const TABLE = { family: "ip", name: "gantry-x" } as const;

const shape: SetShape = {
  key: ["ipv4_addr", "inet_proto", "inet_service"],
  value: ["ipv4_addr", "inet_service"],
};

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
  const key = concatenate(addressBytes(parseAddress("127.0.0.1")), Uint8Array.of(6), Uint8Array.of(0, 80));
  const value = concatenate(addressBytes(parseAddress("172.17.0.2")), Uint8Array.of(0x1f, 0x90));
  const second = (batch: readonly Uint8Array[] | undefined): string => {
    const message = batch?.[1];
    assert.ok(message);
    return body(message).replace("0800040000000001", "");
  };
  assert.equal(second(encodeBatch(addElements(TABLE, "at", shape, [{ key, value }]))), second(addition));
  assert.equal(second(encodeBatch(deleteElements(TABLE, "at", shape, [{ key }]))), second(deletion));
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
  const rule = decodeRule(message);
  assert.deepEqual(rule?.table, TABLE);
  assert.equal(rule?.chain, "raw");
  assert.equal(decodeGeneration(message), undefined);
});

test("an interval of one part has two ends, but the last one", () => {
  const subnets: SetShape = { key: ["ipv4_addr"], interval: true };
  const range = (first: number, last: number) => ({
    key: Uint8Array.of(first, 0, 0, 0),
    last: Uint8Array.of(last, 255, 255, 255),
  });
  assert.equal(countShown(subnets, [range(10, 10)]), 2);
  assert.equal(countShown(subnets, [range(240, 255)]), 1);
});

test("many elements are several messages, as an attribute has at most 64 KiB", () => {
  const many = Array.from({ length: 1000 }, (_, port) => ({
    key: concatenate(Uint8Array.of(10, 0, 0, 1), Uint8Array.of(6), Uint8Array.of(port >> 8, port & 0xff)),
    value: new Uint8Array(8),
  }));
  const messages = addElements(TABLE, "at", shape, many);
  assert.equal(messages.length, 4);
  for (const { body: bytes } of messages) assert.ok(bytes.length < 1 << 16);
});
