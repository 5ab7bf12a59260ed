import assert from "node:assert/strict";
import { test } from "node:test";
import { decodeMessages } from "#formats/netlink/message.ts";
import type { Op, Plan } from "#kernel/plan/ops.ts";
import { Firewall } from "./firewall.ts";
import type { FirewallNetwork } from "./firewall-network.ts";
import type { Publication } from "./published.ts";

const NEW_ELEMENTS = (10 << 8) | 12;
const DELETED_ELEMENTS = (10 << 8) | 14;

const network: FirewallNetwork = {
  ...{ id: "net", bridge: "br0", subnets: ["10.0.0.0/24"], internal: false, icc: true, masquerade: true },
  ...{ hostAddress: {}, trustedInterfaces: [], direct: false },
  gatewayMode: { ipv4: "nat", ipv6: "nat" },
};

const publication: Publication = {
  port: { proto: "tcp", containerPort: 80, hostIp: "0.0.0.0", hostPort: 8080 },
  containerAddress: "10.0.0.2",
  networkId: "net",
};
/** Protocol and port, as keys have them. */
const KEY = Buffer.of(6, 0, 0, 0, 8080 >> 8, 8080 & 0xff);

/** A firewall with the network. `during` is called once, while the tables are made. */
async function open(own: FirewallNetwork) {
  const published: Publication[] = [];
  const plans: Plan[] = [];
  const hooks = { during: (): void => undefined };
  const run = async (plan: Plan) => {
    plans.push(plan);
    if (plan.some(({ why }) => why === "rules")) {
      const { during } = hooks;
      hooks.during = () => undefined;
      during();
    }
    return new Map();
  };
  const firewall = new Firewall(
    {
      executor: { run, hold: () => Promise.reject(new Error("not asked for")) },
      warn: () => undefined,
      publications: () => published,
      manages: { ipv4: true, ipv6: false },
      respectsHost: false,
    },
    "/data",
  );
  await firewall.addNetwork(own);
  return { firewall, published, plans, hooks };
}

const messagesOf = (op: Op): readonly Uint8Array[] => (op.op === "netlink" ? op.messages : []);

test("a port that is published while the tables are made is in them at the end", async () => {
  const { firewall, published, plans, hooks } = await open(network);
  hooks.during = () => {
    published.push(publication);
    firewall.planPublish([publication]);
  };
  await firewall.repair();
  const tables = plans.flat().filter(({ why }) => why === "rules");
  assert.deepEqual(
    tables.map((op) => Buffer.concat(messagesOf(op)).includes(KEY)),
    [false, true],
  );
});

test("what is open of an address is closed with its last port, whoever still thinks it is published", async () => {
  const routed = { ipv4: "routed", ipv6: "routed" } as const;
  const { firewall, published, plans } = await open({ ...network, gatewayMode: routed });
  published.push(publication);
  await firewall.repair();
  plans.length = 0;
  await firewall.unpublish([publication]);
  const types = plans
    .flat()
    .flatMap(messagesOf)
    .flatMap((bytes) => decodeMessages(bytes))
    .map(({ type }) => type);
  assert.ok(types.includes(DELETED_ELEMENTS));
  assert.ok(!types.includes(NEW_ELEMENTS));
});
