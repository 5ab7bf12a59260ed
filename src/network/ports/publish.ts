// Published ports of the host: which are taken, which is chosen, and the sockets that hold them.

import { systemError, unsupported } from "#base/errors.ts";
import type { BoundPort, PortMapping } from "../controller.ts";
import type { HeldPort, PortAddress, Target } from "./held-port.ts";

/** Inclusive: net.ipv4.ip_local_port_range. */
export interface PortRange {
  readonly first: number;
  readonly last: number;
}

export interface PublishDeps {
  /** Binds a socket of the host. */
  readonly hold: (port: PortAddress, target: Target) => Promise<HeldPort>;
  readonly ephemeral: PortRange;
  /** Ports for every address are published on [::] too. */
  readonly hasIpv6: boolean;
  /** Host address of ports that name none: "0.0.0.0" unless the daemon is told otherwise. */
  readonly defaultHostIp: string;
}

export interface PublishedPorts {
  readonly ports: readonly BoundPort[];
  /** Gives the ports back. */
  close(): void;
}

const isWildcard = (address: string): boolean => address === "0.0.0.0" || address === "::";
const isIpv6 = (address: string): boolean => address.includes(":");

const reasons: Readonly<Record<string, string>> = {
  EADDRINUSE: "address already in use",
  EADDRNOTAVAIL: "cannot assign requested address",
  EACCES: "permission denied",
};

const codeOf = (error: unknown): string =>
  error instanceof Error && "code" in error && typeof error.code === "string" ? error.code : "";

const withBrackets = (address: string): string => (isIpv6(address) ? `[${address}]` : address);

export class PortPublisher {
  readonly #deps: PublishDeps;
  readonly #taken = new Map<string, readonly string[]>();
  /** Next ephemeral port to try for each protocol: they are given in turn, as Docker does. */
  readonly #cursor = new Map<string, number>();

  constructor(deps: PublishDeps) {
    this.#deps = deps;
  }

  /** All or none. Rejects `system` in Docker's words when a port is in use. */
  async publish(mappings: readonly PortMapping[], containerAddress: string): Promise<PublishedPorts> {
    using undo = new DisposableStack();
    const ports: BoundPort[] = [];
    for (const mapping of mappings) {
      const published = await this.#publishOne(mapping, containerAddress);
      undo.defer(() => published.close());
      ports.push(...published.ports);
    }
    const held = undo.move();
    return { ports, close: () => held.dispose() };
  }

  /** After a restart: holds what can be held. A port that another process took meanwhile stays redirected by the rules. */
  async republish(ports: readonly BoundPort[], containerAddress: string): Promise<PublishedPorts> {
    using undo = new DisposableStack();
    for (const port of ports) {
      try {
        const socket = await this.#holdAll(port, [port.hostIp], port.hostPort, containerAddress);
        undo.defer(() => socket.close());
      } catch (error) {
        if (codeOf(error) === "") throw error;
        undo.use(this.#take(port.proto, port.hostIp, port.hostPort));
      }
    }
    const held = undo.move();
    return { ports, close: () => held.dispose() };
  }

  async #publishOne(mapping: PortMapping, containerAddress: string): Promise<PublishedPorts> {
    if (mapping.proto === "sctp") throw unsupported(`--publish ${mapping.containerPort}/sctp`);
    const addresses = this.#addressesOf(mapping.hostIp);
    const candidates = this.#candidates(mapping);
    let tried = 0;
    let last: unknown;
    for (const port of candidates) {
      tried++;
      try {
        const held = await this.#holdAll(mapping, addresses, port, containerAddress);
        if (mapping.hostPort === 0) this.#cursor.set(mapping.proto, port + 1);
        const { proto, containerPort } = mapping;
        const ports = addresses.map((hostIp) => ({ proto, containerPort, hostIp, hostPort: port }));
        return { ports, close: () => held.close() };
      } catch (error) {
        last = error;
        if (codeOf(error) !== "EADDRINUSE" && !(error instanceof PortTakenError)) break;
      }
    }
    throw describeFailure(mapping, last, { tried, containerAddress });
  }

  #addressesOf(hostIp: string): readonly string[] {
    if (hostIp !== "") return [hostIp];
    const { defaultHostIp, hasIpv6 } = this.#deps;
    return defaultHostIp === "0.0.0.0" && hasIpv6 ? ["0.0.0.0", "::"] : [defaultHostIp];
  }

  *#candidates(mapping: PortMapping): Generator<number> {
    if (mapping.hostPort !== 0) {
      for (let port = mapping.hostPort; port <= (mapping.hostPortEnd ?? mapping.hostPort); port++) yield port;
      return;
    }
    const { first, last } = this.#deps.ephemeral;
    const start = this.#cursor.get(mapping.proto) ?? first;
    for (let port = start; port <= last; port++) yield port;
    for (let port = first; port < start; port++) yield port;
  }

  async #holdAll(
    mapping: PortMapping,
    addresses: readonly string[],
    hostPort: number,
    containerAddress: string,
  ): Promise<HeldPort> {
    using undo = new DisposableStack();
    const { proto } = mapping;
    if (proto === "sctp") throw unsupported("sctp");
    const target = { address: containerAddress, port: mapping.containerPort };
    for (const hostIp of addresses) {
      undo.use(this.#take(proto, hostIp, hostPort));
      const socket = await this.#deps.hold({ proto, hostIp, hostPort }, target);
      undo.defer(() => socket.close());
    }
    const held = undo.move();
    return { close: () => held.dispose() };
  }

  /** In our own book, before the socket: two requests at once must not both try. */
  #take(proto: string, hostIp: string, hostPort: number): Disposable {
    const key = `${hostPort}/${proto}${isIpv6(hostIp) ? "6" : ""}`;
    const holders = this.#taken.get(key) ?? [];
    if (holders.some((other) => other === hostIp || isWildcard(other) || isWildcard(hostIp)))
      throw new PortTakenError(
        `Bind for ${withBrackets(hostIp)}:${hostPort} failed: port is already allocated`,
      );
    this.#taken.set(key, [...holders, hostIp]);
    return {
      [Symbol.dispose]: () => {
        const left = (this.#taken.get(key) ?? []).filter((other) => other !== hostIp);
        if (left.length === 0) this.#taken.delete(key);
        else this.#taken.set(key, left);
      },
    };
  }
}

/** Another container of this engine has the port. */
class PortTakenError extends Error {
  override readonly name = "PortTakenError";
}

function describeFailure(
  mapping: PortMapping,
  error: unknown,
  attempt: { readonly tried: number; readonly containerAddress: string },
): unknown {
  if (attempt.tried > 1) return systemError("all ports are allocated", { cause: error });
  if (error instanceof PortTakenError) return systemError(error.message, { cause: error });
  const reason = reasons[codeOf(error)];
  if (reason === undefined) return error;
  const host = `${withBrackets(mapping.hostIp === "" ? "0.0.0.0" : mapping.hostIp)}:${mapping.hostPort}`;
  const container = `${attempt.containerAddress}:${mapping.containerPort}/${mapping.proto}`;
  return systemError(`failed to bind host port for ${host}:${container}: ${reason}`, { cause: error });
}
