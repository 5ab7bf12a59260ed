import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { decodeMessages, NLM_F_ACK } from "#formats/netlink/message.ts";
import { encodeBatch } from "#formats/nftables/messages.ts";
import { families } from "./families.ts";
import { planTable } from "./plan-table.ts";
import { countRules } from "./table.ts";

const tables = families.map((facts) => ({ family: facts.name, name: "gantry-x", facts }));
const NEW_SET = 2569;
const NEW_RULE = 2566;
const DELETE_RULES = 2568;
const DELETE_ELEMENTS = 2574;

/** The messages that nft sends for ruleset.nft, which says the same in its words. */
const theirs = readFileSync(new URL("fixtures/nft.hex", import.meta.url), "utf8")
  .split("\n")
  .filter((line) => line !== "" && !line.startsWith("#"))
  .map((line) => Buffer.from(line, "hex"));

interface Meaning {
  readonly type: number;
  readonly text: string;
}

/** Netlink attributes, by type; those of sets in any order. nft numbers sets through both tables, and adds user data for itself. */
function attributesOf(body: Buffer): string {
  const found: string[] = [];
  for (let at = 4; at + 4 <= body.length; at += (body.readUInt16LE(at) + 3) & ~3) {
    const type = body.readUInt16LE(at + 2) & 0x3fff;
    if (type !== 10 && type !== 13)
      found.push(`${type}=${body.subarray(at + 4, at + body.readUInt16LE(at)).toString("hex")}`);
  }
  return found.sort().join(" ");
}

/** What a message means to the kernel: no sequence number, no length, no ACK; "accept" is a chain's policy, spelled out or not; the number
 *  of a set in its batch says nothing that its name does not. */
function meaningOf(message: Uint8Array): Meaning {
  const [decoded] = decodeMessages(message);
  assert.ok(decoded);
  const { type, flags } = decoded;
  const body = Buffer.from(decoded.body);
  if (type === NEW_SET) return { type, text: `${type} ${body[0]} ${attributesOf(body)}` };
  const shown = type === NEW_RULE ? `${flags & ~NLM_F_ACK} ` : "";
  const hex = body
    .toString("hex")
    .replace(/(?<=00)0800040000000[0-9a-f]{3}/g, "0800040000000000")
    .replace("0800050000000001", "")
    .replace(byteOrder, "")
    .replace(/[0-9a-f]{4}0480(?=[0-9a-f]{4}0180)/, "0480");
  return { type, text: `${type} ${shown}${hex}` };
}

/** In keys of intervals nft turns the one byte of a protocol round, which changes nothing but the length of the rule. */
const byteOrder = new RegExp(`400001800e000100${Buffer.from("byteorder").toString("hex")}[0-9a-f]{94}`);

const isShifted = (message: Uint8Array): boolean => Buffer.from(message).includes("shifted-ranges\0");

const ours = tables.map((table) => encodeBatch(planTable(table, new Map())).slice(1, -1));
const kept = ours
  .flat()
  .filter((message) => !isShifted(message) || meaningOf(message).type === NEW_SET)
  .map(meaningOf)
  .filter(({ type }) => type !== DELETE_RULES && type !== DELETE_ELEMENTS);
const wanted = theirs.slice(1, -1).map(meaningOf);
/** nft makes all sets and chains of a table first, in another order. */
const textsOf = (meanings: readonly Meaning[], isRule: boolean): readonly string[] =>
  meanings.filter(({ type }) => (type === NEW_RULE) === isRule).map(({ text }) => text);

test("tables, chains and sets are byte for byte nft's", () => {
  assert.deepEqual(textsOf(kept, false).toSorted(), textsOf(wanted, false).toSorted());
});

test("rules are byte for byte nft's, in its order", () => {
  assert.deepEqual(textsOf(kept, true), textsOf(wanted, true));
});

test("the rules of both families are counted", () => {
  const count = tables.reduce((sum, { facts }) => sum + countRules(facts), 0);
  const shifted = tables.length;
  assert.equal(count - shifted, textsOf(wanted, true).length);
});
