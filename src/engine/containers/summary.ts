// A container's line in `ps`, as an object and encoded.
//   head (id … state), status, tail (networks, mounts)
// Only the status changes with time. What is encoded of a line is kept for as long as all that it was made from is the same: records and
// states are values that are replaced and never changed, so it is enough to look which ones they are.

import { parseTime } from "#base/clock.ts";
import { formatDuration } from "#formats/units.ts";
import type { NetworkController } from "#network/controller.ts";
import { describePorts, listEndpoints, shownNetworkIds } from "./describe-network.ts";
import { describeMount } from "./inspect.ts";
import type { ContainerRecord, ContainerState } from "./record.ts";
import type { Container } from "./store.ts";

/** What of a line is not the container's own. */
export interface Surroundings {
  readonly networks: Pick<NetworkController, "find">;
  /** The name of its image, or the id. */
  readonly image: string;
  /** Names that others have for it: "/web/database". */
  readonly aliases: readonly string[];
  /** Of the API's version. */
  readonly minor: number;
}

type Fields = Readonly<Record<string, unknown>>;

export interface Summary extends Fields {
  readonly State: ContainerState["status"];
}

/** `sizes`: fields to show with it. */
export function describeSummary(
  container: Container,
  around: Surroundings,
  now: bigint,
  sizes = {},
): Summary {
  const { record, state } = container;
  return {
    ...describeHead(container, around),
    ...sizes,
    ...describeLabels(record, state),
    Status: describeStatus(state, countsFrom(state), now),
    ...describeTail(container, around),
  };
}

const describeHead = (container: Container, { image, aliases }: Surroundings): Fields => ({
  Id: container.id,
  Names: [`/${container.record.name}`, ...aliases].sort(),
  Image: image,
  ImageID: container.record.imageId,
  Command: [container.record.path, ...container.record.args].map(quoteArgument).join(" "),
  Created: Number(container.createdAt / 1_000_000_000n),
  Ports: describePorts(container),
});

const describeLabels = ({ config }: ContainerRecord, { status }: ContainerState) => ({
  Labels: config.Labels ?? {},
  State: status,
});

function describeTail(container: Container, { networks, minor }: Surroundings): Fields {
  const { hostConfig, mounts } = container.record;
  const { NetworkMode, Annotations } = hostConfig;
  return {
    HostConfig: { NetworkMode, ...(Annotations !== undefined && minor >= 46 && { Annotations }) },
    NetworkSettings: { Networks: listEndpoints(networks, container) },
    Mounts: mounts.map(describeMount),
    ...(minor >= 52 && { Health: summarizeHealth(container.state) }),
  };
}

const summarizeHealth = ({ health }: ContainerState): Fields => ({
  Status: health?.status ?? "none",
  FailingStreak: health?.failingStreak ?? 0,
});

/** Fields came with these versions. */
const shapeOf = (minor: number): number => [46, 52].filter((since) => minor >= since).length;

/** Quoted if it has a space; Docker escapes nothing. */
function quoteArgument(argument: string, index: number): string {
  return index > 0 && argument.includes(" ") ? `'${argument}'` : argument;
}

/** When what the status tells of began. */
const countsFrom = ({ status, startedAt, finishedAt }: ContainerState): bigint | undefined =>
  parseTime(status === "running" || status === "paused" ? startedAt : finishedAt);

function describeStatus(state: ContainerState, from: bigint | undefined, now: bigint): string {
  const time = (): string => formatDuration(Number((now - (from ?? now)) / 1_000_000n));
  switch (state.status) {
    case "running":
      return `Up ${time()}${state.health === null ? "" : ` (${healthText(state.health.status)})`}`;
    case "paused":
      return `Up ${time()} (Paused)`;
    case "restarting":
      return `Restarting (${state.exitCode}) ${time()} ago`;
    case "exited":
      return `Exited (${state.exitCode}) ${time()} ago`;
    case "removing":
      return "Removal In Progress";
    case "dead":
      return "Dead";
    case "created":
      return "Created";
    default:
      return state.status satisfies never;
  }
}

const healthText = (status: string): string => (status === "starting" ? "health: starting" : status);

/** Thousands of published ports, each told by itself, are not kept as text. */
const LARGEST_KEPT = 16 * 1024;

/** The encoded parts of a line, and what they were made from. */
interface Line {
  readonly record: ContainerRecord;
  readonly state: ContainerState;
  readonly image: string;
  readonly aliases: string;
  readonly networkIds: string;
  readonly shape: number;
  /** Up to the status's value. */
  readonly head: string;
  readonly from: bigint | undefined;
  readonly tail: string;
}

export class EncodedSummaries {
  readonly #lines = new WeakMap<Container, Line>();

  /** `describeSummary`, encoded. */
  encode(container: Container, around: Surroundings, now: bigint): string {
    const { head, from, tail, state } = this.#find(container, around);
    return `${head}${JSON.stringify(describeStatus(state, from, now))}${tail}`;
  }

  #find(container: Container, around: Surroundings): Line {
    const { record, state } = container;
    const { image, networks, minor } = around;
    const aliases = around.aliases.join(",");
    const networkIds = shownNetworkIds(networks, container);
    const shape = shapeOf(minor);
    const known = this.#lines.get(container);
    if (
      known?.record === record &&
      known.state === state &&
      known.image === image &&
      known.aliases === aliases &&
      known.networkIds === networkIds &&
      known.shape === shape
    )
      return known;
    const head = { ...describeHead(container, around), ...describeLabels(record, state) };
    const line = {
      ...{ record, state, image, aliases, networkIds, shape },
      head: `${JSON.stringify(head).slice(0, -1)},"Status":`,
      from: countsFrom(state),
      tail: `,${JSON.stringify(describeTail(container, around)).slice(1)}`,
    };
    if (line.head.length <= LARGEST_KEPT) this.#lines.set(container, line);
    return line;
  }
}
