// Networks of a plugin of Docker's protocol: NetworkDriver.GetCapabilities, CreateNetwork, DeleteNetwork; what endpoints are is in remote-endpoints.ts.

import { EngineError, prefixed, unsupported } from "#base/errors.ts";
import type { Executor } from "#kernel/plan/executor.ts";
import type { EndpointJournal } from "../../endpoint-journal.ts";
import type { NetworkRecord, NetworkSpec } from "../../network-spec.ts";
import { PluginCalls, type PluginCallsDeps, PluginSaysNo } from "../../plugin-calls.ts";
import type { DriverNetwork, NetworkDriver, PoolData } from "../driver.ts";
import { decodeCapabilities, decodeNothing } from "./answers.ts";
import { planMove } from "./host-link.ts";
import { RemoteEndpoints } from "./remote-endpoints.ts";

export interface RemoteDriverDeps extends PluginCallsDeps {
  readonly executor: Pick<Executor, "run">;
  readonly journal: EndpointJournal;
  readonly warn: (message: string) => void;
  /** Work that nobody waits for until the daemon ends; it does not reject. */
  readonly background: (work: Promise<void>) => void;
}

const plain = {
  ...{ publishes: false, hasLink: true, interfacePrefix: "eth", hostBinding: "" },
  exit: "none",
} as const;

export class RemoteDriver implements NetworkDriver {
  readonly ipam = "default";
  readonly isElsewhere = true;
  readonly #deps: RemoteDriverDeps;
  readonly #calls: PluginCalls;

  /** Asks nothing yet. */
  constructor(deps: RemoteDriverDeps, name: string) {
    this.#deps = deps;
    this.#calls = new PluginCalls(deps, name, "NetworkDriver");
  }

  needsGateway(): boolean {
    return true;
  }

  async prepare(_spec: NetworkSpec, _id: string, signal: AbortSignal): Promise<NetworkRecord["facts"]> {
    const { Scope: scope = "" } = await this.#calls.ask(
      "GetCapabilities",
      undefined,
      decodeCapabilities,
      signal,
    );
    if (scope === "global") throw unsupported(`a network driver of global scope (${this.#calls.name})`);
    if (scope !== "local")
      throw new EngineError("system", `invalid capability: expecting 'local' or 'global', got ${scope}`);
    return {};
  }

  checkConflict(): void {}

  /** What a plugin has done that does not answer nobody knows: it is told to take it back. */
  async create(network: NetworkRecord, pools: readonly PoolData[], signal: AbortSignal): Promise<void> {
    const { id, options, internal, enableIpv6 } = network;
    const data = (ipv6: boolean) => pools.filter(({ subnet }) => subnet.includes(":") === ipv6).map(dataOf);
    const body = {
      NetworkID: id,
      Options: {
        "com.docker.network.enable_ipv6": enableIpv6,
        "com.docker.network.generic": options,
        ...(internal && { "com.docker.network.internal": true }),
      },
      IPv4Data: data(false),
      IPv6Data: data(true),
    };
    try {
      await this.#calls.ask("CreateNetwork", body, decodeNothing, signal);
    } catch (error) {
      if (!(error instanceof PluginSaysNo))
        this.#deps.background(
          this.clear(network).catch((failure: unknown) =>
            this.#deps.warn(
              `network ${network.name} is left at plugin ${this.#calls.name}: ${String(failure)}`,
            ),
          ),
        );
      throw error;
    }
  }

  async open(network: NetworkRecord): Promise<DriverNetwork> {
    const endpoints = new RemoteEndpoints(this.#deps, this.#calls, network);
    return {
      ...plain,
      macAddress: (wanted) => wanted ?? "",
      remote: endpoints,
      planLink: ({ endpoint, interfaceIndex }) => {
        const source = endpoints.placed(endpoint.endpointId, interfaceIndex);
        return {
          host: planMove(source, endpoint, interfaceIndex),
          failure: `failed to add interface ${source.name} to sandbox`,
        };
      },
      repair: async () => {},
      close: () => this.#close(network, endpoints),
    };
  }

  /** As dockerd: a plugin that fails does not keep the network from going. */
  async #close(network: NetworkRecord, endpoints: RemoteEndpoints): Promise<void> {
    await endpoints.sweep(this.#calls.deadline());
    try {
      await this.#delete(network);
    } catch (error) {
      if (!(error instanceof Error)) throw error;
      this.#deps.warn(`driver error deleting network ${network.name}: ${error.message}`);
    }
  }

  /** Rejects if the plugin cannot be told. */
  async clear(network: NetworkRecord): Promise<void> {
    const endpoints = new RemoteEndpoints(this.#deps, this.#calls, network);
    await endpoints.adopt([]);
    await endpoints.sweep(this.#calls.deadline());
    try {
      await this.#delete(network);
    } catch (error) {
      if (!(error instanceof PluginSaysNo)) throw error;
    }
  }

  async #delete({ id, name }: NetworkRecord): Promise<void> {
    try {
      await this.#calls.ask("DeleteNetwork", { NetworkID: id }, decodeNothing, this.#calls.deadline());
    } catch (error) {
      if (error instanceof PluginSaysNo || !(error instanceof EngineError)) throw error;
      throw prefixed(`failed deleting network ${name}: `, error);
    }
  }
}

const dataOf = ({ addressSpace, subnet, gateway, auxiliary }: PoolData) => ({
  AddressSpace: addressSpace,
  Pool: subnet,
  ...(gateway !== undefined && { Gateway: gateway }),
  ...(Object.keys(auxiliary).length > 0 && { AuxAddresses: auxiliary }),
});
