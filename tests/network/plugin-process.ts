// A network and IPAM plugin of Docker's protocol in a process of its own, as a user would run one.
//   node plugin-process.ts SOCKET DIRECTORY
// A network is a bridge in the namespace that the process runs in, with the gateway's address; an endpoint is a veth pair on it. What it is
// asked is printed, a line each: "VERB BODY". How it behaves is in DIRECTORY/behave.json, read at each request, by verbs:
//   {"hang": true}     it does not answer until that has changed, and does nothing for who has gone by then
//   {"die": true}      it ends; "after": when it has done what it was asked for, before it answers
//   {"flood": true}    its answer does not end
//   {"text": "…"}      it answers that, with "status" or 200, and does nothing
//   {"answer": {…}}    it does what it is asked for and answers that in place of the fields of its own

import { execFileSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { createServer, type ServerResponse } from "node:http";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { setTimeout as delay } from "node:timers/promises";

interface Behaviour {
  readonly hang?: boolean;
  readonly die?: boolean | "after";
  readonly flood?: boolean;
  readonly text?: string;
  readonly status?: number;
  readonly answer?: Readonly<Record<string, unknown>>;
}

interface Body {
  readonly NetworkID: string;
  readonly EndpointID: string;
  readonly IPv4Data?: readonly { readonly Gateway?: string }[];
  readonly Options?: Readonly<Record<string, unknown>>;
  readonly Pool?: string;
  readonly PoolID?: string;
  readonly V6?: boolean;
  readonly Address?: string;
}

const [socket = "", directory = ""] = process.argv.slice(2);
const ip = (...words: readonly string[]): void => void execFileSync("ip", words, { stdio: "ignore" });
const bridgeOf = ({ NetworkID }: Body): string => `gpb${NetworkID.slice(0, 8)}`;
const hostEnd = ({ EndpointID }: Body): string => `gph${EndpointID.slice(0, 8)}`;
const farEnd = ({ EndpointID }: Body): string => `gpf${EndpointID.slice(0, 8)}`;

/** By network: what its endpoints are told to go by. */
const gateways = new Map<string, string>();

function makeNetwork(body: Body): object {
  ip("link", "add", bridgeOf(body), "type", "bridge");
  ip("link", "set", bridgeOf(body), "up");
  for (const { Gateway = "" } of body.IPv4Data ?? []) {
    if (Gateway === "" || "com.docker.network.internal" in (body.Options ?? {})) continue;
    ip("address", "add", Gateway, "dev", bridgeOf(body));
    gateways.set(body.NetworkID, Gateway.replace(/\/.*/, ""));
  }
  return {};
}

function makeEndpoint(body: Body): object {
  ip("link", "add", hostEnd(body), "type", "veth", "peer", "name", farEnd(body));
  ip("link", "set", hostEnd(body), "master", bridgeOf(body), "up");
  return {};
}

const joinEndpoint = (body: Body): object => ({
  InterfaceName: { SrcName: farEnd(body), DstPrefix: "net" },
  Gateway: gateways.get(body.NetworkID) ?? "",
});

interface GivenPool {
  readonly subnet: string;
  last: number;
}

const pools = new Map<string, GivenPool>();

function requestPool({ Pool = "", V6 = false }: Body): object {
  const number = pools.size + 1;
  const subnet = Pool || (V6 ? `fd00:9:${number}::/64` : `10.109.${number}.0/24`);
  const PoolID = `pool-${number}`;
  pools.set(PoolID, { subnet, last: 0 });
  return { PoolID, Pool: subnet, Data: {} };
}

/** Those asked for, or one after the other. */
function requestAddress({ PoolID = "", Address = "" }: Body): object {
  const pool = pools.get(PoolID);
  if (pool === undefined) return { Error: `no pool ${PoolID}` };
  const [network = "", length] = pool.subnet.split("/");
  const own =
    Address ||
    (network.includes(":") ? `${network}${++pool.last}` : network.replace(/\d+$/, String(++pool.last)));
  return { Address: `${own}/${length}`, Data: {} };
}

const verbs: Readonly<Record<string, (body: Body) => object>> = {
  "Plugin.Activate": () => ({ Implements: ["NetworkDriver", "IpamDriver"] }),
  "IpamDriver.GetCapabilities": () => ({ RequiresMACAddress: true, RequiresRequestReplay: false }),
  "IpamDriver.GetDefaultAddressSpaces": () => ({
    LocalDefaultAddressSpace: "near",
    GlobalDefaultAddressSpace: "far",
  }),
  "IpamDriver.RequestPool": requestPool,
  "IpamDriver.RequestAddress": requestAddress,
  "IpamDriver.ReleaseAddress": () => ({}),
  "IpamDriver.ReleasePool": () => ({}),
  "NetworkDriver.GetCapabilities": () => ({ Scope: "local" }),
  "NetworkDriver.CreateNetwork": makeNetwork,
  "NetworkDriver.DeleteNetwork": (body) => {
    ip("link", "delete", bridgeOf(body));
    return {};
  },
  "NetworkDriver.CreateEndpoint": makeEndpoint,
  "NetworkDriver.Join": joinEndpoint,
  "NetworkDriver.EndpointOperInfo": () => ({ Value: {} }),
  "NetworkDriver.ProgramExternalConnectivity": () => ({}),
  "NetworkDriver.RevokeExternalConnectivity": () => ({}),
  "NetworkDriver.Leave": () => ({}),
  "NetworkDriver.DeleteEndpoint": (body) => {
    ip("link", "delete", hostEnd(body));
    return {};
  },
};

function behaviourOf(verb: string): Behaviour {
  const path = join(directory, "behave.json");
  return existsSync(path) ? (JSON.parse(readFileSync(path, "utf8"))[verb] ?? {}) : {};
}

function pour(answer: ServerResponse): void {
  let isWanted = true;
  answer.on("close", () => {
    isWanted = false;
  });
  const more = (): void =>
    void (isWanted && answer.write(Buffer.alloc(1 << 20, "x"), () => setImmediate(more)));
  more();
}

async function serve(verb: string, body: string, answer: ServerResponse): Promise<void> {
  process.stdout.write(`${verb} ${body.trim()}\n`);
  let isHeard = true;
  answer.on("close", () => {
    isHeard = false;
  });
  while (behaviourOf(verb).hang === true) await delay(20);
  if (!isHeard) return;
  const behaviour = behaviourOf(verb);
  if (behaviour.die === true) process.exit(3);
  if (behaviour.flood === true) return pour(answer);
  const perform = verbs[verb];
  if (behaviour.text !== undefined || perform === undefined) {
    answer.statusCode = behaviour.status ?? (perform === undefined ? 404 : 200);
    answer.end(behaviour.text ?? "no such verb");
    return;
  }
  const value = { ...perform(body.trim() === "" ? {} : JSON.parse(body)), ...behaviour.answer };
  if (behaviour.die === "after") process.exit(3);
  answer.end(JSON.stringify(value));
}

const server = createServer((request, answer) => {
  void text(request)
    .then((body) => serve((request.url ?? "").slice(1), body, answer))
    .catch((error: unknown) => answer.end(JSON.stringify({ Err: String(error), Error: String(error) })));
});
server.listen(socket, () => process.stdout.write("ready\n"));
