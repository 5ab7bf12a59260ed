import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { decodeMessages, NLM_F_ACK } from "#formats/netlink/message.ts";
import { encodeBatch } from "#formats/nftables/messages.ts";
import type { FirewallNetwork } from "./network-rules.ts";
import { countRules, type Publication, planPublish, planTable, planUnpublish } from "./rules.ts";

const network: FirewallNetwork = {
  ...{
    id: "n1",
    bridge: "docker0",
    subnets: ["172.17.16.0/20"],
    internal: false,
    icc: true,
    masquerade: true,
  },
  ...{ gatewayMode: { ipv4: "nat", ipv6: "nat" }, hostAddress: {}, trustedInterfaces: [] },
};
const scope = { table: "gantry-x", networks: [network] };
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

const nameAttribute = (name: string): string => {
  const bytes = Buffer.alloc((name.length + 4) & ~3);
  bytes.write(name);
  return bytes.toString("hex");
};
/** nft also gives the number that a map has in its batch. */
const mapNumber = new RegExp(
  `(?<=${nameAttribute("published-at")}|${nameAttribute("published")})080004000000000[12]`,
);

/** What a message means to the kernel: no sequence number, no length, no ACK; "accept" is a chain's policy, spelled out or not;
 *  nft adds user data to maps, which the kernel does not read. */
function meaningOf(message: Uint8Array): Meaning {
  const [decoded] = decodeMessages(message);
  assert.ok(decoded);
  const { type, flags } = decoded;
  const body = Buffer.from(decoded.body)
    .toString("hex")
    .replace(mapNumber, "0800040000000000")
    .replace("0800050000000001", "")
    .replace(/08000a000000000(\d)2a000d.*$/, "08000a000000000$1");
  const shown = type === NEW_RULE ? `${flags & ~NLM_F_ACK} ` : "";
  return { type, text: `${type} ${shown}${body}` };
}

test("the table of a bridge is byte for byte nft's, but that it is emptied first", () => {
  const own = encodeBatch(planTable(scope, [])).map(meaningOf);
  const kept = own.filter(({ type }) => type !== DELETE_RULES && type !== DELETE_ELEMENTS);
  assert.deepEqual(
    kept.slice(1, -1).map(({ text }) => text),
    theirs
      .map(meaningOf)
      .slice(1, -1)
      .map(({ text }) => text),
  );
});

test("all rules but the administrator's are counted", () => {
  assert.equal(countRules(scope), theirs.map(meaningOf).filter(({ type }) => type === NEW_RULE).length);
});

const publication = (hostIp: string): Publication => ({
  port: { proto: "tcp", containerPort: 80, hostIp, hostPort: 8080 },
  containerAddress: "172.17.16.2",
  networkId: "n1",
});

test("a port of one address and a port of all are elements of different maps", () => {
  const messages = planPublish(scope.table, [publication("127.0.0.1"), publication("0.0.0.0")]);
  assert.deepEqual(
    messages.map(({ body }) => Buffer.from(body).includes("published-at\0")),
    [true, false],
  );
});

test("a port of an IPv6 address needs no rule", () => {
  assert.deepEqual(planPublish(scope.table, [publication("::")]), []);
  assert.deepEqual(planUnpublish(scope.table, [publication("::")]), []);
});
