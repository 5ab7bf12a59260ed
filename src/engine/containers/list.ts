// GET /containers/json.

import type { Clock } from "#base/clock.ts";
import { isKind } from "#base/errors.ts";
import type { NetworkController, NetworkInfo } from "#network/controller.ts";
import type { Filters } from "../filters.ts";
import { linkNames } from "./links.ts";
import { containerFilter, type FilterDeps } from "./list-filters.ts";
import { type MeasureDeps, measureContainer } from "./measure.ts";
import type { ContainerImages } from "./plan-container.ts";
import type { ContainerRecord } from "./record.ts";
import type { Container } from "./store.ts";
import { describeSummary, type EncodedSummaries, type Summary, type Surroundings } from "./summary.ts";

export interface ListDeps extends FilterDeps, MeasureDeps {
  readonly networks: Pick<NetworkController, "find">;
  readonly clock: Clock;
  readonly summaries: EncodedSummaries;
}

export interface ListOptions {
  readonly all: boolean;
  /** 0 is no limit. */
  readonly limit: number;
  readonly size: boolean;
  readonly filters: Filters;
  readonly minor: number;
}

export interface ListedContainer extends Summary {
  /** Bytes; only with `size`, and not when it is 0. */
  readonly SizeRw?: number;
}

/** Newest first. */
export async function listContainers(
  deps: ListDeps,
  options: ListOptions,
  signal: AbortSignal,
): Promise<readonly ListedContainer[]> {
  const { shown, surroundingsOf } = await lookAround(deps, options, signal);
  const now = deps.clock.now();
  const lines = shown.map(async (container) => {
    const sizes = options.size ? await findSizes(deps, container) : {};
    return sizes && describeSummary(container, surroundingsOf(container), now, sizes);
  });
  return (await Promise.all(lines)).filter((line) => line !== undefined);
}

/** The same as JSON. Much of it is made once for each container, not for each list. */
export async function encodeContainers(
  deps: ListDeps,
  options: ListOptions,
  signal: AbortSignal,
): Promise<string> {
  if (options.size) return JSON.stringify(await listContainers(deps, options, signal));
  const { shown, surroundingsOf } = await lookAround(deps, options, signal);
  const now = deps.clock.now();
  const lines = shown.map((container) => deps.summaries.encode(container, surroundingsOf(container), now));
  return `[${lines.join(",")}]`;
}

interface Scene {
  readonly shown: readonly Container[];
  readonly surroundingsOf: (container: Container) => Surroundings;
}

/** The containers that are asked for, and what else there is to know of them, each looked up once. */
async function lookAround(deps: ListDeps, options: ListOptions, signal: AbortSignal): Promise<Scene> {
  const matches = await containerFilter(deps, options.filters, signal);
  const ofEveryState =
    options.all || options.limit > 0 || options.filters.has("status") || options.filters.has("exited");
  const found = deps.containers
    .list()
    .filter((container) => (ofEveryState || container.running) && matches(container));
  const shown = options.limit > 0 ? found.slice(0, options.limit) : found;
  const imageName = await nameImages(deps.images, shown, signal);
  const aliases = linkNames(deps.containers);
  const networks = findOnce(deps.networks);
  const { minor } = options;
  return {
    shown,
    surroundingsOf: ({ id, record }) => ({
      networks,
      image: imageName(record),
      aliases: aliases.get(id) ?? [],
      minor,
    }),
  };
}

/** Many containers have the same network. */
function findOnce(networks: Pick<NetworkController, "find">): Pick<NetworkController, "find"> {
  const found = new Map<string, NetworkInfo | undefined>();
  return {
    find: (name) => {
      if (!found.has(name)) found.set(name, networks.find(name));
      return found.get(name);
    },
  };
}

/** The name that a container was made from, or the image's id once another image or none has that name. */
async function nameImages(
  images: Pick<ContainerImages, "resolve">,
  containers: readonly Container[],
  signal: AbortSignal,
): Promise<(record: ContainerRecord) => string> {
  const ids = new Map<string, string | undefined>();
  const names = new Set(containers.map(({ record }) => record.config.Image));
  await Promise.all(
    Array.from(names, async (name) => ids.set(name, await findImageId(images, name, signal))),
  );
  return ({ config: { Image: name }, imageId }) => (ids.get(name) === imageId ? name : imageId);
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

/** Go leaves out what is zero. undefined if the container is gone by the time it is looked at. */
async function findSizes(
  deps: MeasureDeps,
  container: Container,
): Promise<Readonly<Record<string, number>> | undefined> {
  try {
    const { SizeRw, ...sizes } = await measureContainer(deps, container);
    return SizeRw === 0 ? sizes : { SizeRw, ...sizes };
  } catch (error) {
    if (isKind(error, "notFound")) return undefined;
    throw error;
  }
}
