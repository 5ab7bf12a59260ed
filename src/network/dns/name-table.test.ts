import assert from "node:assert/strict";
import { test } from "node:test";
import { type NamedEndpoint, NameTable } from "./name-table.ts";

const endpoint = (name: string, more: Partial<NamedEndpoint> = {}): NamedEndpoint => ({
  networkId: "n1",
  networkName: "net1",
  names: [name],
  links: {},
  ipv4: [],
  ipv6: [],
  ...more,
});

test("a neighbour is found by each of its names, alone and with the network's, whatever their case", () => {
  const table = new NameTable();
  table.set("web", [endpoint("web", { names: ["web", "www.shop", "0a1b2c3d4e5f"], ipv4: ["172.18.0.2"] })]);
  table.set("client", [endpoint("client")]);
  for (const name of ["web", "WEB", "www.shop", "0a1b2c3d4e5f", "web.net1", "www.shop.NET1"])
    assert.deepEqual(table.forward("client", name)?.ipv4, ["172.18.0.2"], name);
  assert.equal(table.forward("client", "web.net2"), undefined);
  assert.equal(table.forward("client", "web.net1.org"), undefined);
  assert.equal(table.reverse("client", "172.18.0.2"), "web.net1");
  assert.equal(table.reverse("client", "172.18.0.9"), undefined);
});

test("only neighbours are found", () => {
  const table = new NameTable();
  table.set("web", [endpoint("web", { ipv4: ["172.18.0.2"] })]);
  table.set("stranger", [endpoint("stranger", { networkId: "n2", networkName: "net2" })]);
  assert.equal(table.forward("stranger", "web"), undefined);
  assert.equal(table.forward("stranger", "web.net1"), undefined);
  assert.equal(table.forward("nobody", "web"), undefined);
  assert.equal(table.reverse("stranger", "172.18.0.2"), undefined);
});

test("an alias that several have stands for all of them", () => {
  const table = new NameTable();
  for (const [name, address] of [
    ["a", "172.18.0.2"],
    ["b", "172.18.0.3"],
  ] as const)
    table.set(name, [endpoint(name, { names: [name, "app"], ipv4: [address], ipv6: [`fd00::${name}`] })]);
  assert.deepEqual(table.forward("a", "app"), {
    ipv4: ["172.18.0.2", "172.18.0.3"],
    ipv6: ["fd00::a", "fd00::b"],
  });
  table.delete("b");
  assert.deepEqual(table.forward("a", "app")?.ipv4, ["172.18.0.2"]);
});

test("a link is the sandbox's own, and hides the name that others have", () => {
  const table = new NameTable();
  table.set("postgres", [endpoint("postgres", { ipv4: ["172.18.0.2"] })]);
  table.set("db", [endpoint("db", { ipv4: ["172.18.0.3"] })]);
  table.set("app", [endpoint("app", { links: { DB: "postgres" } })]);
  table.set("other", [endpoint("other")]);
  assert.deepEqual(table.forward("app", "db")?.ipv4, ["172.18.0.2"]);
  assert.deepEqual(table.forward("app", "db.net1")?.ipv4, ["172.18.0.2"]);
  assert.deepEqual(table.forward("other", "db")?.ipv4, ["172.18.0.3"]);
  table.delete("postgres");
  assert.equal(table.forward("app", "db"), undefined);
});

test("of several networks the first that knows the name answers, and leaving one forgets it", () => {
  const table = new NameTable();
  const second = { networkId: "n2", networkName: "net2" };
  table.set("web", [
    endpoint("web", { ipv4: ["172.18.0.2"] }),
    endpoint("web", { ...second, ipv4: ["172.19.0.2"] }),
  ]);
  table.set("client", [endpoint("client"), endpoint("client", second)]);
  assert.deepEqual(table.forward("client", "web")?.ipv4, ["172.18.0.2"]);
  assert.deepEqual(table.forward("client", "web.net2")?.ipv4, ["172.19.0.2"]);
  table.set("client", [endpoint("client", second)]);
  assert.deepEqual(table.forward("client", "web")?.ipv4, ["172.19.0.2"]);
  assert.equal(table.forward("client", "web.net1"), undefined);
  table.delete("client");
  assert.equal(table.forward("client", "web"), undefined);
});

test("a new address replaces the one before, and a successor's is kept when the former goes", () => {
  const table = new NameTable();
  table.set("web", [endpoint("web", { ipv4: ["172.18.0.2"] })]);
  table.set("web", [endpoint("web", { ipv4: ["172.18.0.5"] })]);
  assert.deepEqual(table.forward("web", "web")?.ipv4, ["172.18.0.5"]);
  assert.equal(table.reverse("web", "172.18.0.2"), undefined);
  table.set("next", [endpoint("next", { ipv4: ["172.18.0.5"] })]);
  table.delete("web");
  assert.equal(table.reverse("next", "172.18.0.5"), "next.net1");
});
