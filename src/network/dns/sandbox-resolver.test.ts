import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { encodeName, recordTypes, responseCodes } from "#formats/dns/message.ts";
import { type Exchange, SilentServers } from "./ask-upstreams.ts";
import type { NameSettings } from "./names.ts";
import { SandboxResolver } from "./sandbox-resolver.ts";

const settings: NameSettings = {
  upstreams: [{ address: "192.0.2.1", fromHost: true }],
  mayAskOutside: true,
  keepsSingleLabels: false,
};
const directory = {
  forward: (_: string, name: string) => (name === "web" ? { ipv4: ["172.18.0.2"], ipv6: [] } : undefined),
  reverse: () => undefined,
};

function open(more: Partial<NameSettings> = {}) {
  const asked: string[] = [];
  const exchange: Exchange = ({ address }) => {
    asked.push(address);
    return Promise.withResolvers<never>().promise;
  };
  const deps = { directory, silent: new SilentServers(), exchange };
  const resolver = new SandboxResolver(deps, "s", { ...settings, ...more });
  return { resolver, asked };
}

function query(name: string, type: number = recordTypes.A): Buffer {
  const header = Buffer.from([0, 7, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0]);
  return Buffer.concat([header, encodeName(name), Uint8Array.of(type >> 8, type & 0xff, 0, 1)]);
}

const codeOf = (answer: unknown): number | undefined =>
  answer instanceof Uint8Array ? (answer[3] ?? 0) & 15 : undefined;

test("names of ours are answered at once, and nobody is asked", () => {
  using resolver = open().resolver;
  assert.equal(codeOf(resolver.answer(query("web"), "udp")), responseCodes.noError);
  assert.equal(codeOf(resolver.answer(query("web", recordTypes.MX), "udp")), responseCodes.noError);
});

test("what must not leave does not", () => {
  const { resolver, asked } = open({ mayAskOutside: false });
  using _closed = resolver;
  assert.equal(codeOf(resolver.answer(query("example.org"), "udp")), responseCodes.serverFailure);
  resolver.settings = { ...settings, keepsSingleLabels: true };
  assert.equal(codeOf(resolver.answer(query("short"), "udp")), responseCodes.noError);
  const AXFR = 252;
  assert.equal(codeOf(resolver.answer(query("example.org", AXFR), "tcp")), responseCodes.refused);
  resolver.settings = { ...settings, upstreams: [] };
  assert.equal(codeOf(resolver.answer(query("example.org"), "udp")), responseCodes.serverFailure);
  assert.deepEqual(asked, []);
});

test("only so many questions of a sandbox wait; who waits is told when it goes", async () => {
  const { resolver, asked } = open();
  const waiting = Array.from({ length: 300 }, () => resolver.answer(query("example.org"), "udp"));
  assert.equal(asked.length, 256);
  assert.equal(codeOf(waiting.at(-1)), responseCodes.serverFailure);
  resolver[Symbol.dispose]();
  assert.equal(codeOf(await waiting[0]), responseCodes.serverFailure);
});

test("no packet makes it throw", () => {
  using resolver = open({ mayAskOutside: false }).resolver;
  const packets = fc
    .tuple(
      fc.constantFrom("web", "2.0.18.172.in-addr.arpa", "a.b"),
      fc.nat(0xffff),
      fc.uint8Array(),
      fc.nat(60),
      fc.nat(255),
    )
    .map(([name, type, tail, at, value]) => {
      const packet = Buffer.concat([query(name, type), tail]);
      packet[at] = value;
      return packet;
    });
  fc.assert(
    fc.property(fc.oneof(packets, fc.uint8Array({ maxLength: 100 })), (packet) => {
      resolver.answer(packet, "udp");
      resolver.answer(packet, "tcp");
    }),
  );
});
