import assert from "node:assert/strict";
import { test } from "node:test";
import { type Query, recordTypes } from "#formats/dns/message.ts";
import { answerLocally } from "./answer-locally.ts";
import type { NameDirectory } from "./names.ts";

const directory: NameDirectory = {
  forward: (sandboxId, name) =>
    sandboxId === "s" && name === "app"
      ? { ipv4: ["10.0.0.1", "10.0.0.2", "10.0.0.3"], ipv6: ["fd00::1"] }
      : undefined,
  reverse: (_, address) => (address === "10.0.0.1" ? "app.net1" : undefined),
};

const ask = (name: string, type: number, { turn = 0, isInternet = true } = {}) => {
  const query: Query = { name, type, isInternet, end: 0, largest: undefined };
  return answerLocally(directory, "s", query, turn)?.map(({ data }) => [...data].join("."));
};

test("each of several addresses is first in its turn", () => {
  assert.deepEqual(ask("app", recordTypes.A, { turn: 0 }), ["10.0.0.1", "10.0.0.2", "10.0.0.3"]);
  assert.deepEqual(ask("app", recordTypes.A, { turn: 1 }), ["10.0.0.2", "10.0.0.3", "10.0.0.1"]);
  assert.deepEqual(ask("app", recordTypes.A, { turn: 5 }), ["10.0.0.3", "10.0.0.1", "10.0.0.2"]);
});

test("a name of ours has addresses only, and nobody outside is asked for more", () => {
  const TXT = 16;
  assert.equal(ask("app", recordTypes.AAAA)?.length, 1);
  assert.equal(ask("app", recordTypes.ANY)?.length, 4);
  assert.deepEqual(ask("app", recordTypes.MX), []);
  assert.deepEqual(ask("app", TXT), []);
});

test("what is not ours is for others to answer", () => {
  assert.equal(ask("nosuch", recordTypes.A), undefined);
  assert.equal(ask("app", recordTypes.A, { isInternet: false }), undefined);
  assert.equal(ask("9.0.0.10.in-addr.arpa", recordTypes.PTR), undefined);
  assert.equal(ask("app", recordTypes.PTR), undefined);
  assert.equal(ask("1.0.0.10.in-addr.arpa", recordTypes.PTR)?.length, 1);
});
