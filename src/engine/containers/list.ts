// GET /containers/json.

import type { Clock } from "#base/clock.ts";
import { parseTime } from "#base/clock.ts";
import { isKind } from "#base/errors.ts";
import { formatDuration } from "#formats/units.ts";
import type { NetworkController, NetworkInfo } from "#network/controller.ts";
import type { Filters } from "../filters.ts";
import { describeEndpoints, describePorts } from "./describe-network.ts";
import { describeMount } from "./inspect.ts";
import { linkNames } from "./links.ts";
import { containerFilter, type FilterDeps } from "./list-filters.ts";
import { type MeasureDeps, measureContainer } from "./measure.ts";
import type { ContainerImages } from "./plan-container.ts";
import type { ContainerRecord, ContainerState } from "./record.ts";
import type { Container } from "./store.ts";

export interface ListDeps extends FilterDeps, MeasureDeps {
  readonly networks: Pick<NetworkController, "get">;
  readonly clock: Clock;
}

export interface ListOptions {
  readonly all: boolean;
  /** 0 is no limit. */
  readonly limit: number;
  readonly size: boolean;
  readonly filters: Filters;
  readonly minor: number;
}

export async function listContainers(
  deps: ListDeps,
  options: ListOptions,
  signal: AbortSignal,
): Promise<readonly Readonly<Record<string, unknown>>[]> {
  const matches = await containerFilter(deps, options.filters, signal);
  const statusGiven = options.filters.has("status");
  const exitedGiven = options.filters.has("exited");
  const found = deps.containers
    .list()
    .filter(
      (container) => options.all || options.limit > 0 || statusGiven || exitedGiven || container.running,
    )
    .filter(matches);
  const shown = options.limit > 0 ? found.slice(0, options.limit) : found;
  const about = {
    ...deps,
    networks: findOnce(deps.networks),
    imageName: nameImages(deps.images, signal),
    linkNames: linkNames(deps.containers),
  };
  const lines = await Promise.all(shown.map((container) => summarize(about, container, options)));
  return lines.filter((line) => line !== undefined);
}

/** Many containers have the same network. */
function findOnce(networks: Pick<NetworkController, "get">): Pick<NetworkController, "get"> {
  const found = new Map<string, NetworkInfo>();
  return {
    get: (name) => {
      const network = found.get(name) ?? networks.get(name);
      found.set(name, network);
      return network;
    },
  };
}

type NameImage = (record: ContainerRecord) => Promise<string>;

/** The name that a container was made from, or the image's id once another image or none has that name. Each is looked up once. */
function nameImages(images: Pick<ContainerImages, "resolve">, signal: AbortSignal): NameImage {
  const ids = new Map<string, Promise<string | undefined>>();
  return async ({ config: { Image: name }, imageId }) => {
    const found = ids.get(name) ?? findImageId(images, name, signal);
    ids.set(name, found);
    return (await found) === imageId ? name : imageId;
  };
}

async function findImageId(
  images: Pick<ContainerImages, "resolve">,
  name: string,
  signal: AbortSignal,
): Promise<string | undefined> {
  try {
    return (await images.resolve(name, "", signal)).id;
  } catch (error) {
    if (isKind(error, "notFound")) return undefined;
    throw error;
  }
}

/** undefined if it is gone by the time it is looked at. */
async function summarize(
  deps: ListDeps & { readonly imageName: NameImage; readonly linkNames: ReturnType<typeof linkNames> },
  container: Container,
  options: ListOptions,
): Promise<Readonly<Record<string, unknown>> | undefined> {
  const { record, state } = container;
  const { Annotations } = record.hostConfig;
  try {
    return {
      Id: record.id,
      Names: [`/${record.name}`, ...(deps.linkNames.get(record.id) ?? [])].sort(),
      Image: await deps.imageName(record),
      ImageID: record.imageId,
      Command: [record.path, ...record.args].map(quoteArgument).join(" "),
      Created: Number(container.createdAt / 1_000_000_000n),
      Ports: describePorts(container),
      ...(options.size && describeSizes(await measureContainer(deps, container))),
      Labels: record.config.Labels ?? {},
      State: state.status,
      Status: describeStatus(state, deps.clock.now()),
      HostConfig: {
        NetworkMode: record.hostConfig.NetworkMode,
        ...(Annotations !== undefined && options.minor >= 46 && { Annotations }),
      },
      NetworkSettings: { Networks: describeEndpoints(deps.networks, container) },
      Mounts: record.mounts.map(describeMount),
    };
  } catch (error) {
    if (isKind(error, "notFound")) return undefined;
    throw error;
  }
}

/** Go leaves out what is zero. */
const describeSizes = ({ SizeRw, ...sizes }: Awaited<ReturnType<typeof measureContainer>>) =>
  SizeRw === 0 ? sizes : { SizeRw, ...sizes };

/** Quoted if it has a space; Docker escapes nothing. */
function quoteArgument(argument: string, index: number): string {
  return index > 0 && argument.includes(" ") ? `'${argument}'` : argument;
}

function describeStatus(state: ContainerState, now: bigint): string {
  const since = (text: string): string =>
    formatDuration(Number((now - (parseTime(text) ?? now)) / 1_000_000n));
  switch (state.status) {
    case "running":
      return `Up ${since(state.startedAt)}${state.health === null ? "" : ` (${healthText(state.health.status)})`}`;
    case "paused":
      return `Up ${since(state.startedAt)} (Paused)`;
    case "restarting":
      return `Restarting (${state.exitCode}) ${since(state.finishedAt)} ago`;
    case "exited":
      return `Exited (${state.exitCode}) ${since(state.finishedAt)} ago`;
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
