import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { parsePrefix } from "../ip-prefix.ts";
import { decodeMessages } from "../netlink/message.ts";
import { addAddress, decodeAddress } from "./addresses.ts";
import { changeLink, createBridge, createVeth, decodeLink, deleteLink, setHairpin } from "./links.ts";
import { floodTo } from "./neighbours.ts";
import { addDefaultRoute, decodeRoute } from "./routes.ts";
import { createDummy, createIpvlan, createMacvlan, createVlan, createVxlan } from "./virtual-links.ts";

interface Capture {
  readonly command: string;
  readonly message: Buffer;
}

function readCaptures(): readonly Capture[] {
  const lines = readFileSync(new URL("fixtures/iproute2.hex", import.meta.url), "utf8")
    .split("\n")
    .slice(1);
  return lines.flatMap((line, index) =>
    line.startsWith("# ")
      ? [{ command: line.slice(2), message: Buffer.from(lines[index + 1] ?? "", "hex") }]
      : [],
  );
}

const DOCKER0 = 4;
const VETH = 5;
const VXLAN = 5;
const ETH0 = 2;
const PARENT = 3;

const ours: Readonly<Record<string, Uint8Array>> = {
  "ip link add docker0 address 02:42:11:22:33:44 mtu 1500 type bridge": createBridge({
    name: "docker0",
    macAddress: "02:42:11:22:33:44",
    mtu: 1500,
  }),
  "ip link add vethabcdef0 type veth peer name eth0 netns h5u address 02:42:ac:11:00:02": createVeth(
    { name: "vethabcdef0" },
    { name: "eth0", netnsFd: 4, macAddress: "02:42:ac:11:00:02" },
  ),
  "ip link set vethabcdef0 master docker0 up": changeLink({ index: VETH, master: DOCKER0, up: true }),
  "ip addr add 172.17.0.1/16 broadcast 172.17.255.255 dev docker0": addAddress(DOCKER0, "172.17.0.1/16"),
  "ip -6 addr add fd00:1::2/64 dev eth0 nodad": addAddress(ETH0, "fd00:1::2/64"),
  "ip route add default via 172.17.0.1 dev eth0": addDefaultRoute("172.17.0.1", ETH0),
  "ip link add mv0 link veth0 type macvlan mode private": createMacvlan(
    { name: "mv0", parent: PARENT },
    "private",
  ),
  "ip link add ov0 mtu 1450 type vxlan id 4097 local 10.0.0.1 dstport 4789": createVxlan(
    { name: "ov0", mtu: 1450 },
    { id: 4097, local: "10.0.0.1", port: 4789 },
  ),
  "ip link add dm-0 type dummy": createDummy({ name: "dm-0" }),
  "bridge fdb append 00:00:00:00:00:00 dev ov0 dst 10.0.0.2": floodTo(VXLAN, "10.0.0.2"),
  "ip link add veth0.10 link veth0 type vlan id 10": createVlan({ name: "veth0.10", parent: PARENT }, 10),
  "ip link add iv0 link veth0 type ipvlan mode l3s private": createIpvlan(
    { name: "iv0", parent: PARENT },
    "l3s",
    "private",
  ),
};

/** The parts that carry meaning: no sequence number, no padding, no NLA_F_NESTED (iproute2 leaves it out). */
function meaning(message: Uint8Array): unknown {
  const [decoded] = decodeMessages(message);
  assert.ok(decoded);
  const body = Buffer.from(decoded.body)
    .toString("hex")
    .replaceAll("0280", "0200")
    .replaceAll("1280", "1200");
  return {
    type: decoded.type,
    flags: decoded.flags,
    length: message.length,
    body: body.replaceAll("0180", "0100"),
  };
}

for (const { command, message } of readCaptures().filter((capture) => capture.command in ours))
  test(`the message of "${command}" is iproute2's`, () => {
    const own = ours[command];
    assert.ok(own);
    const padding = (bytes: Uint8Array): Uint8Array => Buffer.concat([bytes, Buffer.alloc(bytes.length % 4)]);
    assert.deepEqual(meaning(padding(own)), meaning(message));
  });

test("links are found by name where iproute2 uses the index", () => {
  const captures = readCaptures();
  const lengthOf = (command: string) =>
    captures.find((capture) => capture.command === command)?.message.length;
  const name = 16;
  assert.equal(deleteLink("vethabcdef0").length, (lengthOf("ip link del vethabcdef0") ?? 0) + name);
  assert.equal(
    setHairpin("vethabcdef0", true).length,
    (lengthOf("ip link set vethabcdef0 type bridge_slave hairpin on") ?? 0) + name,
  );
});

test("a vxlan link without an address of its own end takes that of the route", () => {
  const withLocal = createVxlan({ name: "ov0" }, { id: 1, local: "fd00::1", port: 4789 });
  const without = createVxlan({ name: "ov0" }, { id: 1, local: "", port: 4789 });
  assert.equal(withLocal.length - without.length, 4 + 16);
});

test("addresses and routes of IPv6 are read back", () => {
  const [address] = decodeMessages(addAddress(7, "fd00::9/64"));
  const [route] = decodeMessages(addDefaultRoute("fe80::1", 7));
  assert.ok(address && route);
  assert.deepEqual(decodeAddress(address), { linkIndex: 7, address: parsePrefix("fd00::9/64") });
  assert.deepEqual(decodeRoute(route), { destination: parsePrefix("::/0"), linkIndex: 7, onLink: false });
});

test("a link, an address and a route are read back", () => {
  const [link] = decodeMessages(
    createBridge({ index: 7, name: "br-1", up: true, macAddress: "02:42:11:22:33:44", master: 3 }),
  );
  const [address] = decodeMessages(addAddress(7, "10.0.0.1/8"));
  const [route] = decodeMessages(addDefaultRoute("10.0.0.1", 7));
  assert.ok(link && address && route);
  assert.deepEqual(decodeLink(link), {
    index: 7,
    name: "br-1",
    up: true,
    kind: "bridge",
    master: 3,
    macAddress: "02:42:11:22:33:44",
  });
  assert.deepEqual(decodeAddress(address), { linkIndex: 7, address: parsePrefix("10.0.0.1/8") });
  assert.deepEqual(decodeRoute(route), {
    destination: parsePrefix("0.0.0.0/0"),
    linkIndex: 7,
    onLink: false,
  });
  assert.equal(decodeLink(route), undefined);
});
