import assert from "node:assert/strict";
import { test } from "node:test";
import { openDatabase } from "#base/database.ts";
import { createVeth } from "#formats/rtnetlink/links.ts";
import type { Plan } from "#kernel/plan/ops.ts";
import { EndpointJournal, JOURNAL_SCHEMA } from "../../endpoint-journal.ts";
import type { NetworkRecord } from "../../network-spec.ts";
import type { JoinRequest } from "../driver.ts";
import { RemoteDriver } from "./remote-driver.ts";

const { signal } = new AbortController();

const record: NetworkRecord = {
  ...{ name: "net", id: "ab".repeat(32), createdAt: 0, driver: "odd", options: {}, labels: {}, facts: {} },
  ...{
    internal: false,
    attachable: false,
    enableIpv4: true,
    enableIpv6: false,
    configOnly: false,
    configFrom: "",
  },
  ipam: { driver: "default", options: null, config: [] },
  pools: [{ subnet: "10.0.0.0/24", auxiliary: {} }],
};

const request: JoinRequest = {
  ...{ endpointId: "e1", endpointName: "web", addresses: ["10.0.0.2/24"], macAddress: "", path: "/netns/s" },
  ...{ options: {}, sandboxOptions: {} },
};

class SaysNo extends Error {
  readonly status = 500;
}

/** A plugin that answers what it is told to by verbs, {} for others, and never for "hang"; its interface v0 is on the host. */
async function openNetwork(answers: Record<string, unknown> = {}, pools = record.pools) {
  const asked: string[] = [];
  const plans: Plan[] = [];
  const warnings: string[] = [];
  const running: Promise<void>[] = [];
  const plugin = {
    call: async (method: string, _body: unknown, until: AbortSignal): Promise<unknown> => {
      const verb = method.replace("NetworkDriver.", "");
      asked.push(verb);
      const answer = answers[verb] ?? {};
      if (answer instanceof Error) throw answer;
      if (answer !== "hang") return answer;
      until.throwIfAborted();
      return new Promise((_, reject) => until.addEventListener("abort", () => reject(until.reason)));
    },
  };
  const driver = new RemoteDriver(
    {
      plugins: { get: async () => plugin },
      patience: { asked: 1, givenBack: 1, silent: 1 },
      stop: signal,
      executor: {
        run: async (plan) => {
          plans.push(plan);
          return new Map([[0, [createVeth({ index: 7, name: "v0" }, { name: "v1" })]]]);
        },
      },
      journal: new EndpointJournal(openDatabase(":memory:", [JOURNAL_SCHEMA])),
      warn: (message) => warnings.push(message),
      background: (work) => running.push(work),
    },
    "odd",
  );
  const { remote } = await driver.open({ ...record, pools });
  assert.ok(remote !== undefined);
  return { answers, asked, driver, plans, remote, running, warnings };
}

test("what is made for an endpoint is unmade in reverse", async () => {
  const { remote, asked } = await openNetwork({ Join: { InterfaceName: { SrcName: "v0", DstPrefix: "x" } } });
  const joined = await remote.join(request, signal);
  assert.deepEqual([joined.hasLink, joined.interfacePrefix], [true, "x"]);
  await remote.leave("e1");
  await remote.leave("e1");
  assert.deepEqual(asked, ["CreateEndpoint", "Join", "Leave", "DeleteEndpoint"]);
});

for (const [what, answers, message, after] of [
  [
    "refuses an endpoint",
    { CreateEndpoint: { Err: "full" } },
    /failed to create endpoint web on network net: remote: full/,
    [],
  ],
  ["fails", { CreateEndpoint: new SaysNo("it is broken") }, /it is broken/, []],
  ["refuses a join", { Join: { Err: "no" } }, /^remote: no$/, ["DeleteEndpoint"]],
  ["hangs", { CreateEndpoint: "hang" }, /timeout/, ["DeleteEndpoint"]],
  ["hangs in a join", { Join: "hang" }, /timeout/, ["Leave", "DeleteEndpoint"]],
  [
    "answers by a number",
    { CreateEndpoint: { Interface: 7 } },
    /Interface: expected object, got number/,
    ["DeleteEndpoint"],
  ],
  ["answers by a list", { Join: [] }, /expected object, got array/, ["Leave", "DeleteEndpoint"]],
  [
    "changes an address",
    { CreateEndpoint: { Interface: { Address: "10.0.0.9/24" } } },
    /endpoint interface IP present \(10\.0\.0\.2\/24\)\. Cannot be modified/,
    ["DeleteEndpoint"],
  ],
  [
    "names no MAC address",
    { CreateEndpoint: { Interface: { MacAddress: "01:00:00:00:00:01" } } },
    /invalid MAC address/,
    ["DeleteEndpoint"],
  ],
  [
    "names nobody's interface",
    { Join: { InterfaceName: { SrcName: "v9" } } },
    /failed to get link by name "v9": Link not found/,
    ["Leave", "DeleteEndpoint"],
  ],
  [
    "names what can be no interface",
    { Join: { InterfaceName: { SrcName: "../v0" } } },
    /cannot be the name/,
    ["Leave", "DeleteEndpoint"],
  ],
  [
    "names a prefix that is too long",
    { Join: { InterfaceName: { SrcName: "v0", DstPrefix: "x".repeat(13) } } },
    /cannot begin a name/,
    ["Leave", "DeleteEndpoint"],
  ],
  [
    "names a gateway that is far away",
    { Join: { InterfaceName: { SrcName: "v0" }, Gateway: "10.9.0.1" } },
    /gateway 10\.9\.0\.1 is on no network/,
    ["Leave", "DeleteEndpoint"],
  ],
  [
    "names a gateway of the other family",
    { Join: { InterfaceName: { SrcName: "v0" }, Gateway: "fd00::1" } },
    /unable to parse Gateway "fd00::1"/,
    ["Leave", "DeleteEndpoint"],
  ],
  [
    "names a gateway and no interface",
    { Join: { Gateway: "10.0.0.1" } },
    /no interface that it could lead by/,
    ["Leave", "DeleteEndpoint"],
  ],
  [
    "tells too many routes",
    { Join: { StaticRoutes: Array(1001).fill({}) } },
    /tells 1001 routes/,
    ["Leave", "DeleteEndpoint"],
  ],
] as const)
  test(`a plugin that ${what} is told to take back what it may have made`, async () => {
    const { remote, asked } = await openNetwork({ ...answers });
    await assert.rejects(remote.join(request, signal), { message });
    const first = asked.indexOf("Join") < 0 ? 1 : 2;
    assert.deepEqual(asked.slice(first), after);
  });

test("an address that nobody else has given is the plugin's to give, within the network", async () => {
  const own = { ...request, addresses: [] };
  const answer = {
    CreateEndpoint: { Interface: { Address: "10.0.0.7/24", MacAddress: "02-00-00-00-00-07" } },
  };
  const { remote } = await openNetwork(answer);
  const joined = await remote.join(own, signal);
  assert.deepEqual([joined.addresses, joined.macAddress], [["10.0.0.7/24"], "02:00:00:00:00:07"]);
  const other = await openNetwork(answer, [{ subnet: "10.1.0.0/24", auxiliary: {} }]);
  await assert.rejects(
    other.remote.join(own, signal),
    /10\.0\.0\.7\/24, which is in no subnet of the network/,
  );
});

test("what a plugin could not be told is told before the next endpoint is made", async () => {
  const { remote, answers, asked, warnings } = await openNetwork();
  await remote.join(request, signal);
  answers.Leave = "hang";
  await remote.leave("e1");
  assert.match(warnings.join(), /endpoint e1 of network net is left at its plugin/);
  delete answers.Leave;
  asked.length = 0;
  await remote.join({ ...request, endpointId: "e2" }, signal);
  assert.deepEqual(asked, ["Leave", "DeleteEndpoint", "CreateEndpoint", "Join"]);
});

test("after a restart what was made for endpoints that have gone is taken back, and nothing else", async () => {
  const { remote, driver, asked, running } = await openNetwork();
  await remote.join(request, signal);
  await remote.join({ ...request, endpointId: "e2" }, signal);
  asked.length = 0;
  const { remote: next } = await driver.open(record);
  await next?.adopt(["e2"]);
  await Promise.all(running);
  assert.deepEqual(asked, ["Leave", "DeleteEndpoint"]);
  await next?.leave("e2");
  assert.deepEqual(asked, ["Leave", "DeleteEndpoint", "Leave", "DeleteEndpoint"]);
});

test("a network whose plugin does not answer is not made, and the plugin is told to take it back", async () => {
  const { driver, asked, running } = await openNetwork({ CreateNetwork: "hang" });
  await assert.rejects(driver.create(record, [], signal), /timeout/);
  await Promise.all(running);
  assert.deepEqual(asked, ["CreateNetwork", "DeleteNetwork"]);
});

test("drivers of global scope are refused by name", async () => {
  const { driver } = await openNetwork({ GetCapabilities: { Scope: "global" } });
  await assert.rejects(driver.prepare(record, record.id, signal), /of global scope \(odd\) is not supported/);
});

test("a plugin need not know of exits", async () => {
  const missing = Object.assign(new Error("404 page not found"), { status: 404 });
  const { remote } = await openNetwork({ ProgramExternalConnectivity: missing });
  await remote.programExit("e1", {}, signal);
});
