import assert from "node:assert/strict";
import { test } from "node:test";
import { openDatabase } from "#base/database.ts";
import { ADDRESSES_SCHEMA, AddressJournal } from "../address-journal.ts";
import type { KeptPool } from "./ipam-driver.ts";
import { RemoteIpam } from "./remote-ipam.ts";
import type { Reserved } from "./subnet-space.ts";

const { signal } = new AbortController();
type Body = Readonly<Record<string, unknown>>;

/** A plugin that gives 10.9.N.0/24 and addresses of it, unless it is told what to answer by verbs. */
function openIpam(
  answers: Record<string, unknown> = {},
  reserved: Reserved = { always: [], ifPossible: [] },
) {
  const asked: string[] = [];
  const warnings: string[] = [];
  const running: Promise<void>[] = [];
  const database = openDatabase(":memory:", [ADDRESSES_SCHEMA]);
  let [pools, addresses] = [0, 0];
  const own: Readonly<Record<string, (body: Body) => object>> = {
    GetDefaultAddressSpaces: () => ({ LocalDefaultAddressSpace: "here" }),
    RequestPool: ({ Pool }) => ({ PoolID: `p${++pools}`, Pool: Pool || `10.9.${pools}.0/24` }),
    RequestAddress: ({ Address }) => ({ Address: `${Address || `10.9.1.${++addresses}`}/24` }),
  };
  const plugin = {
    call: async (method: string, body: unknown, until: AbortSignal): Promise<unknown> => {
      const verb = method.replace("IpamDriver.", "");
      asked.push(body === undefined ? verb : `${verb} ${JSON.stringify(body)}`);
      const answer = (await answers[verb]) ?? own[verb]?.(Object(body)) ?? {};
      if (answer instanceof Error) throw answer;
      if (answer !== "hang") return answer;
      until.throwIfAborted();
      return new Promise((_, reject) => until.addEventListener("abort", () => reject(until.reason)));
    },
  };
  const open = () =>
    new RemoteIpam(
      {
        plugins: { get: async () => plugin },
        given: new AddressJournal(database),
        ...{ patience: { asked: 1, givenBack: 1, silent: 1 }, stop: signal, reserved: async () => reserved },
        warn: (message) => warnings.push(message),
        background: (work) => running.push(work),
      },
      "odd",
    );
  return { ipam: open(), answers, asked, open, running, warnings };
}

const any = { family: 4, options: {} } as const;

test("pools and addresses are the plugin's, and what it says of them", async () => {
  const { ipam, asked } = openIpam();
  assert.deepEqual(await ipam.requestPool(any, signal), {
    poolId: "p1",
    space: "here",
    subnet: "10.9.1.0/24",
  });
  assert.equal(await ipam.requestAddress("p1", undefined, {}, signal), "10.9.1.1/24");
  await ipam.releaseAddress("p1", "10.9.1.1");
  await ipam.releasePool("p1");
  assert.deepEqual(asked, [
    "GetCapabilities",
    "GetDefaultAddressSpaces",
    'RequestPool {"AddressSpace":"here","Pool":"","SubPool":"","Options":{},"V6":false}',
    'RequestAddress {"PoolID":"p1","Address":"","Options":null}',
    'ReleaseAddress {"PoolID":"p1","Address":"10.9.1.1"}',
    'ReleasePool {"PoolID":"p1"}',
  ]);
});

for (const [what, answer, message, after] of [
  [
    "of the other family",
    { PoolID: "p1", Pool: "fd00::/64" },
    /what is no pool of IPv4: "p1" "fd00::\/64"/,
    ["p1"],
  ],
  ["that is none", { PoolID: "p1", Pool: "10.9.0.0" }, /what is no pool of IPv4/, ["p1"]],
  [
    "with a gateway elsewhere",
    { PoolID: "p1", Pool: "10.9.0.0/24", Data: { "com.docker.network.gateway": "10.8.0.1/24" } },
    /what is no pool/,
    ["p1"],
  ],
  ["of another type", { PoolID: 7 }, /PoolID: expected string, got number/, []],
  ["by its words", { Error: "full" }, /^remote: full$/, []],
  ["never", "hang", /timeout/, []],
] as const)
  test(`a pool ${what} is not taken`, async () => {
    const { ipam, asked } = openIpam({ RequestPool: answer });
    await assert.rejects(ipam.requestPool(any, signal), { message });
    const released = after.map((id) => `ReleasePool {"PoolID":"${id}"}`);
    assert.deepEqual(asked.slice(3), released);
  });

test("a pool that was given already is not taken, and stays with who has it", async () => {
  const { ipam, answers, asked } = openIpam();
  await ipam.requestPool(any, signal);
  answers.RequestPool = { PoolID: "p1", Pool: "10.9.7.0/24" };
  await assert.rejects(ipam.requestPool(any, signal), /gives a pool that it has given already/);
  assert.equal(
    asked.some((text) => text.startsWith("ReleasePool")),
    false,
  );
});

for (const [what, answer, message, released] of [
  [
    "outside of the pool",
    { Address: "10.8.0.1/24" },
    /was asked for an address of 10\.9\.1\.0\/24 and gives "10\.8\.0\.1\/24"/,
    "10.8.0.1",
  ],
  ["without a prefix", { Address: "10.9.1.4" }, /gives "10\.9\.1\.4"/, "10.9.1.4"],
  [
    "that somebody has",
    { Address: "10.9.1.1/24" },
    /gives the address 10\.9\.1\.1, which was given already/,
    "",
  ],
  ["that there is not", {}, /^no address returned$/, ""],
] as const)
  test(`an address ${what} is not taken`, async () => {
    const { ipam, answers, asked } = openIpam();
    await ipam.requestPool(any, signal);
    await ipam.requestAddress("p1", undefined, {}, signal);
    answers.RequestAddress = answer;
    asked.length = 0;
    await assert.rejects(ipam.requestAddress("p1", undefined, {}, signal), { message });
    const after = released === "" ? [] : [`ReleaseAddress {"PoolID":"p1","Address":"${released}"}`];
    assert.deepEqual(asked.slice(1), after);
  });

test("another address than the one that was asked for is not taken", async () => {
  const { ipam, answers } = openIpam();
  await ipam.requestPool(any, signal);
  answers.RequestAddress = { Address: "10.9.1.77/24" };
  await assert.rejects(
    ipam.requestAddress("p1", "10.9.1.5", {}, signal),
    /was asked for 10\.9\.1\.5 and gives/,
  );
});

test("a pool that the host uses is held until there is another, and given back", async () => {
  const used = [1, 2].map(
    (third) => ({ family: 4, value: BigInt(0x0a090000 + third * 256), length: 24 }) as const,
  );
  const { ipam, asked } = openIpam({}, { always: used, ifPossible: [] });
  assert.equal((await ipam.requestPool(any, signal)).subnet, "10.9.3.0/24");
  assert.deepEqual(asked.slice(-2), ['ReleasePool {"PoolID":"p1"}', 'ReleasePool {"PoolID":"p2"}']);
});

const kept: KeptPool = {
  ...{ poolId: "p1", space: "here", subnet: "10.9.1.0/24", gateway: "10.9.1.1" },
  ...{ auxiliary: {}, options: {} },
  family: 4,
};

test("after a restart a plugin is asked for nothing again, unless it wants to be", async () => {
  const quiet = openIpam();
  quiet.ipam.retaking.pool(kept);
  quiet.ipam.retaking.address("p1", "10.9.1.5");
  await assert.rejects(quiet.ipam.requestAddress("p1", "10.9.1.5", {}, signal), /was given already/);
  assert.deepEqual(quiet.asked, [
    "GetCapabilities",
    "GetDefaultAddressSpaces",
    'RequestAddress {"PoolID":"p1","Address":"10.9.1.5","Options":null}',
  ]);
  const forgetful = openIpam({ GetCapabilities: { RequiresRequestReplay: true } });
  forgetful.ipam.retaking.pool(kept);
  forgetful.ipam.retaking.address("p1", "10.9.1.5");
  forgetful.ipam.retaking.done();
  await Promise.all(forgetful.running);
  await forgetful.ipam.releaseAddress("p1", "10.9.1.5");
  assert.deepEqual(forgetful.asked.slice(2), [
    'RequestPool {"AddressSpace":"here","Pool":"10.9.1.0/24","SubPool":"","Options":{},"V6":false}',
    'RequestAddress {"PoolID":"p1","Address":"10.9.1.1","Options":{"RequestAddressType":"com.docker.network.gateway"}}',
    'RequestAddress {"PoolID":"p1","Address":"10.9.1.5","Options":null}',
    'ReleaseAddress {"PoolID":"p1","Address":"10.9.1.5"}',
  ]);
});

test("what a plugin gave and nobody has after a crash is given back", async () => {
  const { ipam, asked, open, running } = openIpam();
  await ipam.requestPool(any, signal);
  await ipam.requestPool(any, signal);
  for (const address of ["10.9.1.50", "10.9.1.60"]) await ipam.requestAddress("p1", address, {}, signal);
  asked.length = 0;
  const next = open();
  next.retaking.pool(kept);
  next.retaking.address("p1", "10.9.1.50");
  next.retaking.done();
  await Promise.all(running);
  assert.deepEqual(asked.slice(2), [
    'ReleaseAddress {"PoolID":"p1","Address":"10.9.1.60"}',
    'ReleasePool {"PoolID":"p2"}',
  ]);
});

test("a plugin that is asked again may call its pools by each other's names", async () => {
  const { ipam, answers, asked } = openIpam({ GetCapabilities: { RequiresRequestReplay: true } });
  ipam.retaking.pool({ ...kept, poolId: "p2" });
  ipam.retaking.pool({ ...kept, poolId: "p1", subnet: "10.9.2.0/24", gateway: "10.9.2.1" });
  assert.equal((await ipam.requestPool(any, signal)).poolId, "p3");
  assert.equal(await ipam.requestAddress("p2", "10.9.1.9", {}, signal), "10.9.1.9/24");
  assert.match(asked.at(-1) ?? "", /"PoolID":"p1","Address":"10\.9\.1\.9"/);
  answers.RequestPool = { PoolID: "p2", Pool: "10.9.8.0/24" };
  await assert.rejects(ipam.requestPool(any, signal), /gives a pool that it has given already: "p2"/);
});

test("what a plugin could not be told is told before it is asked for anything else", async () => {
  const { ipam, answers, asked } = openIpam();
  await ipam.requestPool(any, signal);
  await ipam.requestAddress("p1", "10.9.1.50", {}, signal);
  answers.ReleaseAddress = "hang";
  await ipam.releaseAddress("p1", "10.9.1.50");
  delete answers.ReleaseAddress;
  asked.length = 0;
  await ipam.requestAddress("p1", "10.9.1.51", {}, signal);
  assert.deepEqual(
    asked.filter((text) => text.includes("{")),
    [
      'ReleaseAddress {"PoolID":"p1","Address":"10.9.1.50"}',
      'RequestAddress {"PoolID":"p1","Address":"10.9.1.51","Options":null}',
    ],
  );
});

test("one that gives up waiting does not stop what others wait for", async () => {
  const answer = Promise.withResolvers<object>();
  const { ipam, asked } = openIpam({ GetCapabilities: answer.promise });
  const client = new AbortController();
  const [first, second] = [ipam.needsMac(client.signal), ipam.needsMac(signal)];
  client.abort(new Error("gone"));
  await assert.rejects(first, /gone/);
  answer.resolve({ RequiresMACAddress: true });
  assert.equal(await second, true);
  assert.deepEqual(asked, ["GetCapabilities", "GetDefaultAddressSpaces"]);
});
