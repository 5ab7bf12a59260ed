import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { parseIpv4 } from "../ipv4.ts";
import { uint32be } from "../netlink/attributes.ts";
import { decodeMessages, NLM_F_ACK } from "../netlink/message.ts";
import {
  addressWithin,
  CT_STATE_ESTABLISHED,
  CT_STATE_RELATED,
  CT_STATUS_DNAT,
  conntrackHas,
  DESTINATION_ADDRESS,
  DESTINATION_PORT,
  destinationIsLocal,
  dnat,
  interfaceIs,
  jump,
  loadMeta,
  loadPayload,
  lookup,
  masquerade,
  SOURCE_ADDRESS,
  verdict,
  WORD_1,
  WORD_2,
} from "./expressions.ts";
import {
  addBaseChain,
  addChain,
  addElements,
  addMap,
  addRule,
  addTable,
  concatenate,
  decodeGeneration,
  decodeRule,
  deleteElements,
  encodeBatch,
  type NftablesMessage,
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

/** What a message means to the kernel: no sequence numbers, no lengths, no ACK, CREATE only where it matters. */
const body = (message: Uint8Array): string => {
  const [decoded] = decodeMessages(message);
  assert.ok(decoded);
  return `${decoded.type} ${decoded.flags & ~NLM_F_ACK} ${Buffer.from(decoded.body).toString("hex")}`;
};

const published = (map: string, ...key: readonly Uint8Array[]): readonly Uint8Array[] => [
  ...destinationIsLocal(),
  ...key,
  lookup(map),
  dnat(),
];
const atAddress = published(
  "at",
  loadPayload(DESTINATION_ADDRESS),
  loadMeta("l4proto", WORD_1),
  loadPayload(DESTINATION_PORT, WORD_2),
);
const fromBridge = interfaceIs("iifname", "==", "docker0");
const toBridge = interfaceIs("oifname", "==", "docker0");
const rule = (chain: string, ...parts: readonly (readonly Uint8Array[])[]): NftablesMessage =>
  addRule(TABLE, chain, parts.flat());

const rules: readonly NftablesMessage[] = [
  rule("raw", interfaceIs("iifname", "!=", "lo"), addressWithin(DESTINATION_ADDRESS, 0x7f000000, 8), [
    verdict("drop"),
  ]),
  rule("prerouting", atAddress),
  rule("prerouting", published("any", loadMeta("l4proto"), loadPayload(DESTINATION_PORT, WORD_1))),
  rule("output", atAddress),
  rule(
    "postrouting",
    addressWithin(SOURCE_ADDRESS, parseIpv4("172.17.16.0"), 20),
    interfaceIs("oifname", "!=", "docker0"),
    [masquerade()],
  ),
  rule(
    "postrouting",
    toBridge,
    addressWithin(SOURCE_ADDRESS, parseIpv4("172.17.0.0"), 16),
    conntrackHas("status", CT_STATUS_DNAT),
    [masquerade()],
  ),
  rule("postrouting", toBridge, addressWithin(SOURCE_ADDRESS, 0x7f000000, 8), [masquerade()]),
  rule("forward", [jump("user")]),
  rule("forward", toBridge, conntrackHas("state", CT_STATE_ESTABLISHED | CT_STATE_RELATED), [
    verdict("accept"),
  ]),
  rule("forward", toBridge, fromBridge, [verdict("accept")]),
  rule("forward", toBridge, conntrackHas("status", CT_STATUS_DNAT), [verdict("accept")]),
  rule("forward", toBridge, [verdict("drop")]),
];

test("the rules of a bridge are byte for byte nft's", () => {
  const [batch] = readBatches();
  assert.ok(batch);
  // nft also gives the number that the map has in its batch.
  const mapId = /(?<=0700010061740000|08000100616e7900)080004000000000[12]/g;
  const theirs = batch
    .map(body)
    .filter((message) => message.startsWith("2566 "))
    .map((message) => message.replace(mapId, "0800040000000000"));
  const own = encodeBatch(rules).map(body).slice(1, -1);
  assert.deepEqual(own, theirs);
});

test("table, chains and maps carry what nft sends", () => {
  const [batch] = readBatches();
  assert.ok(batch);
  const hook = (name: "prerouting" | "output" | "postrouting" | "forward", priority: number) => ({
    type: name === "forward" ? ("filter" as const) : ("nat" as const),
    hook: name,
    priority,
  });
  const own = encodeBatch([
    addTable(TABLE),
    addChain(TABLE, "user"),
    addBaseChain(TABLE, "raw", { type: "filter", hook: "prerouting", priority: -300 }),
    addBaseChain(TABLE, "prerouting", hook("prerouting", -100)),
    addBaseChain(TABLE, "output", hook("output", -100)),
    addBaseChain(TABLE, "postrouting", hook("postrouting", 100)),
    addBaseChain(TABLE, "forward", hook("forward", 0)),
    addMap(TABLE, "at", 1, {
      key: ["ipv4_addr", "inet_proto", "inet_service"],
      value: ["ipv4_addr", "inet_service"],
    }),
    addMap(TABLE, "any", 2, { key: ["inet_proto", "inet_service"], value: ["ipv4_addr", "inet_service"] }),
  ]);
  // The chain "raw" accepts by policy, spelled out or not; nft adds user data to maps that the kernel does not read.
  const bare = (message: Uint8Array): string =>
    body(message)
      .replace(/^2560 \d+/, "2560")
      .replace("0800050000000001", "")
      .replace(/08000a000000000(\d)2a000d.*$/, "08000a000000000$1");
  const own9 = own.slice(1, -1).map(bare);
  assert.deepEqual(own9, batch.slice(1, own9.length + 1).map(bare));
});

test("a map element is added and deleted as nft does", () => {
  const [, addition, deletion] = readBatches();
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
  const [message] = rules;
  assert.ok(message);
  assert.deepEqual(decodeRule(message), { table: TABLE, chain: "raw" });
  assert.equal(decodeGeneration(message), undefined);
});
