import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import {
  decodeQuery,
  decodeResponse,
  encodeAnswer,
  encodeFailure,
  encodeName,
  type Query,
  recordTypes,
  responseCodes,
  udpLimit,
  withId,
} from "./message.ts";
import { addressOfReverseName } from "./reverse-name.ts";

/** `dig +qr web.net1 A` as dig 9.18 sends it: EDNS, 1232 bytes, a cookie. */
const fromDig = Buffer.from(
  "b1c90120000100000000000103776562046e6574310000010001000029 04d0000000000 00c000a0008 64f0fa1f53b8c4a2".replaceAll(
    " ",
    "",
  ),
  "hex",
);

function query(name: string, type: number, { id = 7, flags = 0x0100 } = {}): Buffer {
  const header = Buffer.alloc(12);
  header.writeUInt16BE(id, 0);
  header.writeUInt16BE(flags, 2);
  header.writeUInt16BE(1, 4);
  return Buffer.concat([header, encodeName(name), Uint8Array.of(0, type, 0, 1)]);
}

function readQuery(bytes: Uint8Array): Query {
  const found = decodeQuery(bytes);
  assert.ok(typeof found === "object", String(found));
  return found;
}

test("a query is read as dig writes it", () => {
  assert.deepEqual(decodeQuery(fromDig), {
    name: "web.net1",
    type: recordTypes.A,
    isInternet: true,
    end: 26,
    largest: 1232,
  });
});

test("names are in lower case, and no label looks like two", () => {
  assert.equal(readQuery(query("WEB.Net1", 1)).name, "web.net1");
  const dotted = query("a-b", 1);
  dotted[14] = ".".charCodeAt(0);
  assert.equal(readQuery(dotted).name, "a\\046b");
});

test("what is no question is refused by what is wrong with it", () => {
  const { formatError, notImplemented } = responseCodes;
  const changed = (at: number, value: number): Buffer => {
    const bytes = query("web", 1);
    bytes.writeUInt16BE(value, at);
    return bytes;
  };
  assert.equal(decodeQuery(Buffer.alloc(11)), "ignore");
  assert.equal(decodeQuery(changed(2, 0x8180)), "ignore", "an answer");
  assert.equal(decodeQuery(changed(2, 0x2800)), notImplemented, "an update");
  for (const [at, value] of [
    [4, 0],
    [4, 2],
    [4, 65535],
    [6, 1],
    [8, 1],
    [10, 3],
  ] as const)
    assert.equal(decodeQuery(changed(at, value)), formatError, `${at}: ${value}`);
  assert.equal(decodeQuery(changed(12, 0xc00c)), formatError, "a pointer to itself");
  assert.equal(decodeQuery(query("web", 1).subarray(0, -1)), formatError, "cut off");
  assert.equal(decodeQuery(query("a.".repeat(128), 1)), formatError, "256 bytes of name");
});

test("no bytes make the decoder throw, loop or read beyond them", () => {
  const bytes = fc.uint8Array({ maxLength: 600 });
  const nearly = fc.tuple(bytes, fc.nat(40), fc.nat(255)).map(([tail, at, value]) => {
    const packet = Buffer.concat([query("web.net1.example", 1), tail]);
    packet[at] = value;
    return packet;
  });
  fc.assert(
    fc.property(fc.oneof(bytes, nearly), (packet) => {
      const found = decodeQuery(packet);
      if (typeof found === "object") assert.ok(found.end <= packet.length && found.name.length <= 4 * 255);
      else if (found !== "ignore") encodeFailure(packet, found);
      decodeResponse(packet, query("web", 1), 21);
    }),
  );
});

test("an answer repeats the question, points to its name, and says how large it may be", () => {
  const found = readQuery(fromDig);
  const records = [{ type: recordTypes.A, data: Uint8Array.of(172, 18, 0, 2) }];
  const answer = Buffer.from(encodeAnswer(fromDig, found, records, { limit: 1232, lifetime: 600 }));
  assert.equal(
    answer.toString("hex"),
    `b1c981800001000100000001${fromDig.toString("hex", 12, 26)}c00c00010001000002580004ac12000200002904d0000000000000`,
  );
});

test("an answer that is too large says so and holds what fits", () => {
  const bytes = query("web", 1);
  const records = Array.from({ length: 100 }, (_, index) => ({
    type: recordTypes.A,
    data: Uint8Array.of(10, 0, 0, index),
  }));
  const answer = Buffer.from(
    encodeAnswer(bytes, readQuery(bytes), records, { limit: udpLimit(undefined), lifetime: 1 }),
  );
  assert.ok(answer.length <= 512);
  assert.equal(answer.readUInt16BE(2) & 0x0200, 0x0200);
  assert.equal(answer.readUInt16BE(6), 30);
  assert.deepEqual([udpLimit(100), udpLimit(1232), udpLimit(65_535)], [512, 1232, 65_507]);
  const whole = Buffer.from(encodeAnswer(bytes, readQuery(bytes), records, { limit: 65535, lifetime: 1 }));
  assert.equal(whole.readUInt16BE(2) & 0x0200, 0);
  assert.equal(whole.readUInt16BE(6), 100);
});

test("a failure has the id, the question if it could be read, and no records", () => {
  const bytes = query("web", 1, { id: 0x1234 });
  const failure = Buffer.from(encodeFailure(bytes, responseCodes.serverFailure, readQuery(bytes)));
  assert.equal(failure.toString("hex", 0, 12), "123481820001000000000000");
  assert.equal(encodeFailure(bytes, responseCodes.formatError).length, 12);
});

test("a response counts only for the id and the question that were asked", () => {
  const asked = query("example.org", 1, { id: 99 });
  const { end } = readQuery(asked);
  const answer = encodeFailure(asked, responseCodes.nameError, { end });
  assert.deepEqual(decodeResponse(answer, asked, end), { code: responseCodes.nameError, answers: 0 });
  assert.deepEqual(decodeResponse(query("EXAMPLE.org", 1, { id: 99, flags: 0x8180 }), asked, end), {
    code: 0,
    answers: 0,
  });
  assert.equal(decodeResponse(withId(answer, 98), asked, end), undefined);
  assert.equal(decodeResponse(query("example.com", 1, { id: 99, flags: 0x8180 }), asked, end), undefined);
  assert.equal(decodeResponse(asked, asked, end), undefined, "a query");
});

test("reverse names stand for addresses of both families", () => {
  assert.equal(addressOfReverseName("2.0.18.172.in-addr.arpa"), "172.18.0.2");
  assert.equal(addressOfReverseName(`2${".0".repeat(29)}.d.f.ip6.arpa`), "fd00::2");
  for (const name of [
    "0.18.172.in-addr.arpa",
    "256.0.0.1.in-addr.arpa",
    "x.in-addr.arpa",
    "2.ip6.arpa",
    "web",
  ])
    assert.equal(addressOfReverseName(name), undefined, name);
});
