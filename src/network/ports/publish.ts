// Publishes ports of the host: which are taken, which is chosen, and what keeps them.
//
//   one port      is held by a socket, which nobody else can bind then; what comes to it all the same is carried to the container by it
//   a range       is looked for among the sockets of the host when it is published, and is not held: see docs/networking.md
//   a routed one  is a port of the container's own address: none of the host's

import { unsupported } from "#base/errors.ts";
import type { BoundPort, PortMapping } from "../controller.ts";
import type { FindSocket } from "./find-socket.ts";
import type { HeldPort, PortAddress, Target } from "./held-port.ts";
import { PortBook, PortTakenError, withBrackets } from "./port-book.ts";
import { codeOf, describeFailure, UsedError } from "./publish-errors.ts";
import { type PublishedPart, PublishedPorts } from "./published-ports.ts";

/** Inclusive: net.ipv4.ip_local_port_range. */
export interface PortRange {
  readonly first: number;
  readonly last: number;
}

export interface PublishDeps {
  /** Binds a socket of the host. Port 0 is any. */
  readonly hold: (port: PortAddress, target: Target) => Promise<HeldPort>;
  readonly findSocket: FindSocket;
  readonly ephemeral: PortRange;
  /** Ports for every address are published on [::] too. */
  readonly hasIpv6: boolean;
  /** Host address of ports that name none: "0.0.0.0" unless the daemon is told otherwise. */
  readonly defaultHostIp: string;
  /** The daemon's option because of which packets must come to sockets, as no rules send them on: a range has a socket for each port. Or "". */
  readonly carriesAll: string;
}

/** Where ports lead. */
export interface PublishTarget {
  readonly ipv4?: string;
  readonly ipv6?: string;
  /** The network is reached directly, by its containers' addresses. */
  readonly routed?: { readonly ipv4: boolean; readonly ipv6: boolean };
  /** Packets cannot be sent there, but must come to sockets, which reach it by these. */
  readonly from?: NonNullable<Target["from"]>;
}

const isIpv6 = (address: string): boolean => address.includes(":");

const isRouted = (hostIp: string, { routed }: PublishTarget): boolean =>
  (isIpv6(hostIp) ? routed?.ipv6 : routed?.ipv4) === true;
const every = (hostIp: string): string => (isIpv6(hostIp) ? "::" : "0.0.0.0");

/** Of the container, for packets to the host's; undefined if nothing takes them there. */
function addressFor(
  hostIp: string,
  mapping: PortMapping,
  { ipv4, ipv6, from }: PublishTarget,
): string | undefined {
  const own = isIpv6(hostIp) ? ipv6 : ipv4;
  const isCarried = mapping.containerPortEnd === undefined && mapping.proto !== "sctp";
  return own ?? (isCarried ? ipv4 : undefined) ?? (from === undefined ? undefined : ipv6);
}

/** A port of the host and the container's that it leads to. */
interface Place {
  readonly hostIp: string;
  readonly containerAddress: string;
  readonly from?: NonNullable<Target["from"]>;
}

/** So many ports of a range are held one by one; a longer range is one. */
const MOST_HELD = 64;

const lengthOf = ({ containerPort, containerPortEnd }: PortMapping | BoundPort): number =>
  (containerPortEnd ?? containerPort) - containerPort + 1;

/** "[::1]:20000-20999:80-1079/udp" */
function nameOf({ hostIp, hostPort, containerPort, proto, ...mapping }: PortMapping): string {
  const more = (mapping.containerPortEnd ?? containerPort) - containerPort;
  const spanOf = (first: number): string => (more === 0 ? `${first}` : `${first}-${first + more}`);
  return `${withBrackets(hostIp)}:${spanOf(hostPort)}:${spanOf(containerPort)}/${proto}`;
}

/** A short range as so many single ports. */
const spread = (mapping: PortMapping): readonly PortMapping[] =>
  Array.from({ length: lengthOf(mapping) }, (_, at) => ({
    proto: mapping.proto,
    containerPort: mapping.containerPort + at,
    hostIp: mapping.hostIp,
    hostPort: mapping.hostPort === 0 ? 0 : mapping.hostPort + at,
  }));

export class PortPublisher {
  readonly #deps: PublishDeps;
  readonly #book = new PortBook();
  /** Next ephemeral port to try for each protocol: they are given in turn, as Docker does. */
  readonly #cursor = new Map<string, number>();

  constructor(deps: PublishDeps) {
    this.#deps = deps;
  }

  /** All or none. Rejects `system` in Docker's words when a port is in use. */
  async publish(mappings: readonly PortMapping[], target: PublishTarget): Promise<PublishedPorts> {
    using undo = new DisposableStack();
    const parts: PublishedPart[] = [];
    for (const mapping of mappings)
      for (const one of this.#isHeld(mapping, target) ? spread(mapping) : [mapping]) {
        const part = await this.#publishOne(one, target);
        undo.defer(() => part.close());
        parts.push(part);
      }
    undo.move();
    return new PublishedPorts(parts);
  }

  #isHeld(mapping: PortMapping, target: PublishTarget): boolean {
    const isShort = lengthOf(mapping) <= MOST_HELD;
    return mapping.containerPortEnd !== undefined && (isShort || this.#carriesAll(target));
  }

  #carriesAll({ from }: PublishTarget): boolean {
    return this.#deps.carriesAll !== "" || from !== undefined;
  }

  /** After a restart: holds what can be held. A port that another process took meanwhile stays redirected by the rules. */
  async republish(ports: readonly BoundPort[], target: PublishTarget): Promise<PublishedPorts> {
    using undo = new DisposableStack();
    const parts: PublishedPart[] = [];
    for (const port of ports) {
      const part = await this.#keep(port, target);
      undo.defer(() => part.close());
      parts.push(part);
    }
    undo.move();
    return new PublishedPorts(parts);
  }

  async #keep(port: BoundPort, target: PublishTarget): Promise<PublishedPart> {
    if (port.hostPort === 0) return { ports: [port], close: () => {} };
    const { ipv4, ipv6, from } = target;
    const containerAddress = (isIpv6(port.hostIp) ? ipv6 : undefined) ?? ipv4 ?? ipv6 ?? "";
    const place = { hostIp: port.hostIp, containerAddress, ...(from !== undefined && { from }) };
    using undo = new DisposableStack();
    try {
      undo.use(await this.#retake(port, place));
    } catch (error) {
      if (codeOf(error) === "") throw error;
      undo.use(this.#take(port, port.hostIp, port.hostPort));
    }
    const held = undo.move();
    return { ports: [port], close: () => held.dispose() };
  }

  async #retake(port: BoundPort, place: Place): Promise<Disposable> {
    if (port.hostPortEnd === undefined) return await this.#holdAll(port, [place], port.hostPort);
    return this.#take(port, port.hostIp, port.hostPort, port.hostPortEnd);
  }

  async #publishOne(mapping: PortMapping, target: PublishTarget): Promise<PublishedPart> {
    if (this.#carriesAll(target) && mapping.proto === "sctp")
      throw unsupported(
        `--publish ${mapping.containerPort}/sctp ${target.from === undefined ? `with ${this.#deps.carriesAll}` : "on a network of the driver private"}`,
      );
    const { routed, places } = this.#placesOf(mapping, target);
    const direct = routed.map(({ hostIp }) => boundPort(mapping, hostIp, 0));
    if (places.length === 0) return { ports: direct, close: () => {} };
    const published =
      mapping.containerPortEnd === undefined
        ? await this.#publishPort(mapping, places)
        : await this.#publishRange(mapping, places);
    return { ports: [...direct, ...published.ports], close: published.close };
  }

  /** Where each address leads; IPv6 to IPv4 where the container has no other and a socket carries it. */
  #placesOf(
    mapping: PortMapping,
    target: PublishTarget,
  ): { readonly routed: readonly Place[]; readonly places: readonly Place[] } {
    const { from } = target;
    const routed: Place[] = [];
    const places: Place[] = [];
    for (const hostIp of this.#addressesOf(mapping.hostIp)) {
      const containerAddress = addressFor(hostIp, mapping, target);
      if (containerAddress === undefined) continue;
      if (isIpv6(containerAddress) === isIpv6(hostIp) && isRouted(hostIp, target))
        routed.push({ hostIp: every(hostIp), containerAddress });
      else places.push({ hostIp, containerAddress, ...(from !== undefined && { from }) });
    }
    if (routed.length + places.length === 0 && isIpv6(mapping.hostIp) && target.ipv4 !== undefined)
      throw unsupported(`--publish ${nameOf(mapping)} to a container without IPv6`);
    return { routed, places };
  }

  #addressesOf(hostIp: string): readonly string[] {
    if (hostIp !== "") return [hostIp];
    const { defaultHostIp, hasIpv6 } = this.#deps;
    return defaultHostIp === "0.0.0.0" && hasIpv6 ? ["0.0.0.0", "::"] : [defaultHostIp];
  }

  async #publishPort(mapping: PortMapping, places: readonly Place[]): Promise<PublishedPart> {
    let tried = 0;
    let last: unknown;
    for (const port of this.#candidates(mapping)) {
      tried++;
      try {
        using undo = new DisposableStack();
        undo.use(await this.#holdAll(mapping, places, port));
        if (mapping.hostPort === 0) this.#cursor.set(mapping.proto, port + 1);
        const ports = places.map(({ hostIp }) => boundPort(mapping, hostIp, port));
        const held = undo.move();
        return { ports, close: () => held.dispose() };
      } catch (error) {
        last = error;
        if (codeOf(error) !== "EADDRINUSE" && !(error instanceof PortTakenError)) break;
      }
    }
    throw describeFailure(mapping, last, { tried, containerAddress: places[0]?.containerAddress ?? "" });
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
    { proto, containerPort }: PortMapping | BoundPort,
    places: readonly Place[],
    hostPort: number,
  ): Promise<Disposable> {
    using undo = new DisposableStack();
    for (const { hostIp, containerAddress, from } of places) {
      const span = { proto, hostIp, first: hostPort, last: hostPort };
      undo.use(this.#book.take(span)); // before the socket: two requests at once must not both try
      if (proto === "sctp") await this.#look({ proto, containerPort, hostIp, hostPort });
      else {
        const target = {
          ...{ address: containerAddress, port: containerPort },
          ...(from !== undefined && { from }),
        };
        const socket = await this.#deps.hold({ proto, hostIp, hostPort }, target);
        undo.defer(() => socket.close());
      }
    }
    return undo.move();
  }

  #take({ proto }: BoundPort | PortMapping, hostIp: string, first: number, last = first): Disposable {
    return this.#book.take({ proto, hostIp, first, last });
  }

  async #publishRange(mapping: PortMapping, places: readonly Place[]): Promise<PublishedPart> {
    const ports = places.map(({ hostIp }) => boundPort(mapping, hostIp, mapping.hostPort));
    using undo = new DisposableStack();
    try {
      for (const port of ports) {
        undo.use(this.#take(port, port.hostIp, port.hostPort, port.hostPortEnd));
        await this.#look(port);
      }
    } catch (error) {
      throw describeFailure(mapping, error, {
        tried: 1,
        containerAddress: places[0]?.containerAddress ?? "",
      });
    }
    const taken = undo.move();
    return { ports, close: () => taken.dispose() };
  }

  /** Rejects as bind(2) of the ports would, one after the other. */
  async #look({ proto, hostIp, hostPort, hostPortEnd }: BoundPort): Promise<void> {
    const probe = await this.#deps.hold({ proto: "udp", hostIp, hostPort: 0 }, { address: hostIp, port: 0 });
    probe.close();
    const used = await this.#deps.findSocket({
      ...{ proto, hostIp },
      first: hostPort,
      last: hostPortEnd ?? hostPort,
    });
    if (used !== undefined) throw new UsedError(used - hostPort);
  }
}

function boundPort(mapping: PortMapping, hostIp: string, hostPort: number): BoundPort {
  const { proto, containerPort, containerPortEnd } = mapping;
  if (containerPortEnd === undefined) return { proto, containerPort, hostIp, hostPort };
  const hostPortEnd = hostPort === 0 ? 0 : hostPort + containerPortEnd - containerPort;
  return { proto, containerPort, containerPortEnd, hostIp, hostPort, hostPortEnd };
}
