// Published ports of a sandbox: they follow the network that leads out.

import { EngineError, systemError } from "#base/errors.ts";
import type { Executor } from "#kernel/plan/executor.ts";
import type { Attachment, Attachments, Holding } from "./attachments.ts";
import type { Endpoint, PortChange, PortMapping } from "./controller.ts";
import { hasGateway } from "./endpoint-order.ts";
import { publicationsOf, targetOf } from "./endpoint-values.ts";
import type { Firewall } from "./firewall/firewall.ts";
import { redirectFlows } from "./firewall/flows.ts";
import type { LiveNetwork } from "./live-network.ts";
import type { PortPublisher } from "./ports/publish.ts";
import { PublishedPorts } from "./ports/published-ports.ts";

export interface SandboxPortsDeps {
  readonly executor: Executor;
  readonly rules: Firewall;
  readonly ports: PortPublisher;
  readonly attachments: Attachments;
  readonly warn: (message: string) => void;
}

/** Ports are published through what leads out, or else through a network whose connections the daemon carries. */
const findExit = ({ sandbox, holdings }: Attachment): Endpoint | undefined =>
  sandbox.endpoints.find(hasGateway) ??
  sandbox.endpoints.find(({ endpointId }) => {
    const driver = holdings.get(endpointId)?.network.driver;
    return driver?.publishes === true && driver.sockets !== undefined;
  });

/** The attachment with that holding of the endpoint, and the ports that it has. */
function withHolding(
  { sandbox, holdings }: Attachment,
  { endpointId }: Endpoint,
  holding: Holding,
): Attachment {
  const ports = holding.published?.ports ?? [];
  return {
    sandbox: {
      ...sandbox,
      endpoints: sandbox.endpoints.map((endpoint) =>
        endpoint.endpointId === endpointId ? { ...endpoint, ports } : endpoint,
      ),
    },
    holdings: new Map([...holdings, [endpointId, holding]]),
  };
}

export class SandboxPorts {
  readonly #deps: SandboxPortsDeps;

  constructor(deps: SandboxPortsDeps) {
    this.#deps = deps;
  }

  /** Through the network that leads out now. What cannot be published any more is a warning: the network is left all the same. */
  async publishAgain(attachment: Attachment): Promise<Attachment> {
    await using undo = new AsyncDisposableStack();
    try {
      const published = await this.publish(attachment, undo);
      const publications = published.sandbox.endpoints.flatMap(publicationsOf);
      this.#deps.attachments.set(published);
      await this.#deps.rules.publish(publications);
      await redirectFlows(this.#deps.executor, publications);
      undo.move();
      return published;
    } catch (error) {
      this.#deps.attachments.set(attachment);
      this.#deps.warn(
        `ports of sandbox ${attachment.sandbox.id} are not published any more: ${String(error)}`,
      );
      return attachment;
    }
  }

  /** Those of an endpoint that is about to go; it has them again if that fails. */
  async withdraw(attachment: Attachment, leaving: Endpoint, undo: AsyncDisposableStack): Promise<void> {
    const withdrawn = publicationsOf(leaving);
    const holding = attachment.holdings.get(leaving.endpointId);
    if (withdrawn.length === 0 || holding === undefined) return;
    undo.defer(() => this.#deps.rules.publish(withdrawn));
    undo.defer(() => this.#deps.attachments.set(attachment));
    // First, so that rules that are made anew meanwhile are made without them.
    const { published: _theirs, ...rest } = holding;
    this.#deps.attachments.set(withHolding(attachment, leaving, rest));
    await this.#deps.rules.unpublish(withdrawn);
  }

  /** Publishes what was asked for, if it can. */
  async publish(attachment: Attachment, undo: AsyncDisposableStack): Promise<Attachment> {
    const { sandbox, holdings } = attachment;
    const exit = findExit(attachment);
    const holding = holdings.get(exit?.endpointId ?? "");
    const mappings = sandbox.mappings ?? [];
    if (exit === undefined || holding?.network.driver.publishes !== true || mappings.length === 0)
      return attachment;
    const published = await this.#hold(mappings, exit, holding.network);
    undo.defer(() => published.close());
    return withHolding(attachment, exit, { ...holding, published });
  }

  async #hold(mappings: readonly PortMapping[], endpoint: Endpoint, { driver }: LiveNetwork) {
    const bound = mappings.map((mapping) =>
      mapping.hostIp === "" && !["", "0.0.0.0"].includes(driver.hostBinding)
        ? { ...mapping, hostIp: driver.hostBinding }
        : mapping,
    );
    try {
      return await this.#deps.ports.publish(bound, targetOf(endpoint, driver));
    } catch (error) {
      if (!(error instanceof EngineError) || error.kind !== "system") throw error;
      const name = endpoint.endpointName ?? endpoint.endpointId;
      throw systemError(
        `driver failed programming external connectivity on endpoint ${name} (${endpoint.endpointId}): ${error.message}`,
        { cause: error },
      );
    }
  }

  /** Where a new endpoint leads out from now on, what is published is published through it. */
  async move(attachment: Attachment, undo: AsyncDisposableStack): Promise<Attachment> {
    const { sandbox, holdings } = attachment;
    const exit = findExit(attachment);
    const old = sandbox.endpoints.find(({ ports }) => ports.length > 0);
    if (exit === old || (sandbox.mappings ?? []).length === 0) return attachment;
    if (old === undefined) return await this.publish(attachment, undo);
    const holding = holdings.get(old.endpointId);
    undo.defer(() => this.#putBack(old, holding));
    await this.#deps.rules.unpublish(publicationsOf(old));
    holding?.published?.close();
    const endpoints = sandbox.endpoints.map((endpoint) =>
      endpoint === old ? { ...old, ports: [] } : endpoint,
    );
    const without = new Map(holdings);
    if (holding !== undefined) {
      const { published: _closed, ...kept } = holding;
      without.set(old.endpointId, kept);
    }
    return await this.publish({ sandbox: { ...sandbox, endpoints }, holdings: without }, undo);
  }

  /** Where nothing can be published, what is asked for is kept for a network that can. */
  async change(attachment: Attachment, { remove, add, mappings }: PortChange): Promise<Attachment> {
    const asked = { ...attachment, sandbox: { ...attachment.sandbox, mappings } };
    const exit = findExit(asked);
    const before = asked.holdings.get(exit?.endpointId ?? "");
    if (exit === undefined || before?.network.driver.publishes !== true) {
      this.#deps.attachments.set(asked);
      return asked;
    }
    const published = before.published ?? new PublishedPorts([]);
    const holding = { ...before, published };
    const removed = published.withdraw(remove);
    this.#deps.attachments.set(withHolding(asked, exit, holding));
    await this.#deps.rules.unpublish(publicationsOf({ ...exit, ports: removed }));
    try {
      const added = await this.#hold(add, exit, holding.network);
      return await this.#join({ attachment: asked, exit, holding }, added);
    } catch (error) {
      const again = await this.#deps.ports.republish(removed, targetOf(exit, holding.network.driver));
      await this.#join({ attachment, exit, holding }, again);
      throw error;
    }
  }

  /** The ports are the endpoint's, too, and the rules tell it. A failure gives them back. */
  async #join(
    place: { readonly attachment: Attachment; readonly exit: Endpoint; readonly holding: Holding },
    added: PublishedPorts,
  ): Promise<Attachment> {
    const { attachment, exit, holding } = place;
    const { ports } = added;
    holding.published?.add(added);
    try {
      const next = withHolding(attachment, exit, holding);
      this.#deps.attachments.set(next);
      const publications = publicationsOf({ ...exit, ports });
      await this.#deps.rules.publish(publications);
      await redirectFlows(this.#deps.executor, publications);
      return next;
    } catch (error) {
      holding.published?.withdraw(ports);
      throw error;
    }
  }

  /** Undoes a move: the ports are published as they were. */
  async #putBack(endpoint: Endpoint, holding: Holding | undefined): Promise<void> {
    const published = await this.#deps.ports.republish(
      endpoint.ports,
      targetOf(endpoint, holding?.network.driver),
    );
    await this.#deps.rules.publish(publicationsOf(endpoint));
    if (holding === undefined) return;
    for (const attachment of this.#deps.attachments.all())
      if (attachment.holdings.get(endpoint.endpointId) === holding)
        this.#deps.attachments.set({
          ...attachment,
          holdings: new Map([...attachment.holdings, [endpoint.endpointId, { ...holding, published }]]),
        });
  }
}
