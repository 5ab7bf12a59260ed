// What is attached to the networks now: each sandbox with all that it holds.

import type { Endpoint, Sandbox } from "./controller.ts";
import { type NamedEndpoint, NameTable } from "./dns/name-table.ts";
import { publicationsOf } from "./endpoint-values.ts";
import type { Publication } from "./firewall/published.ts";
import type { GivenAddress } from "./ipam/network-pools.ts";
import type { LiveNetwork } from "./live-network.ts";
import type { PublishedPorts } from "./ports/published-ports.ts";

/** What an endpoint holds beside its interface. */
export interface Holding {
  readonly network: LiveNetwork;
  /** Interface that stays on the host. */
  readonly hostName?: string;
  readonly addresses: readonly GivenAddress[];
  readonly published?: PublishedPorts;
}

export interface Attachment {
  readonly sandbox: Sandbox;
  /** By endpoint. */
  readonly holdings: ReadonlyMap<string, Holding>;
}

type Member = Endpoint & { readonly sandboxId: string };

export class Attachments {
  readonly #bySandbox = new Map<string, Attachment>();
  /** By network and endpoint. */
  readonly #members = new Map<string, Map<string, Member>>();
  /** Of those that are attached. */
  readonly names = new NameTable();

  /** Adds it, or replaces what is known of the same sandbox. */
  set(attachment: Attachment): void {
    const { sandbox } = attachment;
    this.take(sandbox.id);
    this.#bySandbox.set(sandbox.id, attachment);
    for (const endpoint of sandbox.endpoints) {
      const members = this.#members.get(endpoint.networkId) ?? new Map<string, Member>();
      members.set(endpoint.endpointId, { ...endpoint, sandboxId: sandbox.id });
      this.#members.set(endpoint.networkId, members);
    }
    this.names.set(sandbox.id, sandbox.endpoints.flatMap(namedEndpoint));
  }

  find(sandboxId: string): Attachment | undefined {
    return this.#bySandbox.get(sandboxId);
  }

  /** Removes it; what it holds is the caller's to give back. undefined if there is none. */
  take(sandboxId: string): Attachment | undefined {
    const attachment = this.#bySandbox.get(sandboxId);
    this.#bySandbox.delete(sandboxId);
    this.names.delete(sandboxId);
    for (const { networkId, endpointId } of attachment?.sandbox.endpoints ?? []) {
      const members = this.#members.get(networkId);
      members?.delete(endpointId);
      if (members?.size === 0) this.#members.delete(networkId);
    }
    return attachment;
  }

  all(): readonly Attachment[] {
    return [...this.#bySandbox.values()];
  }

  endpointsOf(networkId: string): readonly Member[] {
    return [...(this.#members.get(networkId)?.values() ?? [])];
  }

  publications(): readonly Publication[] {
    return this.all().flatMap(({ sandbox }) => sandbox.endpoints.flatMap(publicationsOf));
  }
}

/** Nobody is found by name on a network that gives none. */
function namedEndpoint({
  names,
  links = {},
  ipv4,
  ipv6 = "",
  ...endpoint
}: Endpoint): readonly NamedEndpoint[] {
  if (names === undefined) return [];
  const present = (address: string): readonly string[] => (address === "" ? [] : [address]);
  return [{ ...endpoint, names, links, ipv4: present(ipv4), ipv6: present(ipv6) }];
}
