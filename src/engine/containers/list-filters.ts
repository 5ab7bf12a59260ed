// `docker ps --filter`.

import { EngineError, invalid, systemError } from "#base/errors.ts";
import type { Filters } from "../filters.ts";
import { boundPorts } from "./describe-network.ts";
import type { ContainerImages } from "./plan-container.ts";
import { type ContainerPort, parsePort } from "./ports.ts";
import { hasStarted } from "./record.ts";
import type { Container, ContainerStore } from "./store.ts";

export interface FilterDeps {
  readonly containers: ContainerStore;
  readonly images: Pick<ContainerImages, "resolve" | "descendants">;
}

type Test = (container: Container) => boolean;

const accepted = [
  ...["ancestor", "before", "exited", "expose", "health", "id", "is-task", "isolation", "label", "name"],
  ...["network", "publish", "since", "status", "volume"],
];
const statuses = ["created", "running", "paused", "restarting", "removing", "exited", "dead"];

/** Throws for filters that containers do not have. */
export async function containerFilter(
  deps: FilterDeps,
  filters: Filters,
  signal: AbortSignal,
): Promise<Test> {
  filters.validate(accepted);
  filters.allowOnly("status", statuses);
  filters.allowOnly("health", ["none", "starting", "healthy", "unhealthy"]);
  if (filters.flag("is-task", false)) return () => false;
  const exitCodes = filters.values("exited").map((text) => readExitCode(text));
  const tests: Readonly<Record<string, Test>> = {
    id: (container) => filters.matchPrefix("id", container.id),
    name: ({ record }) => matchName(filters, record.name),
    label: ({ record }) => filters.matchPairs("label", record.config.Labels),
    status: ({ state }) => filters.matchExact("status", state.status),
    health: ({ state }) => filters.matchExact("health", state.health?.status ?? "none"),
    exited: ({ state }) =>
      exitCodes.includes(state.exitCode) && hasStarted(state) && state.status === "exited",
    network: (container) => matchNetwork(filters, container),
    volume: ({ record }) =>
      record.mounts.some(
        ({ name, destination, source }) =>
          filters.matchExact("volume", name) ||
          filters.matchExact("volume", destination) ||
          filters.matchExact("volume", source),
      ),
    expose: (container) => matchPorts(filters, "expose", exposedPorts(container)),
    publish: (container) => matchPorts(filters, "publish", publishedPorts(container)),
    ...timeTests(deps, filters),
    ancestor: await ancestorTest(deps, filters, signal),
  };
  const asked = Object.entries(tests).flatMap(([key, test]) => (filters.has(key) ? [test] : []));
  return (container) => asked.every((test) => test(container));
}

function readPort(key: string, value: string): ContainerPort {
  if (value.includes(":")) throw systemError(`filter for '${key}' should not contain ':': ${value}`);
  try {
    return parsePort(value);
  } catch (error) {
    if (!(error instanceof EngineError)) throw error;
    throw systemError(`error while looking up for ${key} ${value}: ${error.message}`, { cause: error });
  }
}

function readExitCode(text: string): number {
  if (!/^-?\d+$/.test(text)) throw invalid(`invalid filter 'exited=${text}'`);
  return Number(text);
}

/** With and without the slash, as a regular expression. */
const matchName = (filters: Filters, name: string): boolean =>
  filters.matchPattern("name", `/${name}`) || filters.matchPattern("name", name);

function matchNetwork(filters: Filters, { record, state }: Container): boolean {
  const ids = (state.network?.sandbox.endpoints ?? []).map(({ networkId }) => networkId);
  const kept = Object.values(record.networks).flatMap(({ NetworkID: id }) => id || []);
  return (
    Object.keys(record.networks).some((name) => filters.matchExact("network", name)) ||
    [...ids, ...kept].some((id) => filters.matchPrefix("network", id))
  );
}

function timeTests(deps: FilterDeps, filters: Filters): Readonly<Record<"before" | "since", Test>> {
  const createdAt = (reference: string): bigint => deps.containers.get(reference).createdAt;
  const before = filters.values("before").map(createdAt);
  const since = filters.values("since").map(createdAt);
  return {
    before: (container) => before.every((limit) => container.createdAt < limit),
    since: (container) => since.every((limit) => container.createdAt > limit),
  };
}

function ignoreUnknown(error: unknown): undefined {
  if (!(error instanceof EngineError)) throw error;
}

/** An unknown image matches nothing. */
async function ancestorTest(deps: FilterDeps, filters: Filters, signal: AbortSignal): Promise<Test> {
  const ids = new Set<string>();
  for (const reference of filters.values("ancestor")) {
    const image = await deps.images.resolve(reference, "", signal).catch(ignoreUnknown);
    if (image !== undefined) for (const id of await deps.images.descendants(image.id)) ids.add(id);
  }
  return ({ record }) => ids.has(record.imageId) || filters.matchExact("ancestor", record.config.Image);
}

const exposedPorts = ({ record }: Container): readonly string[] =>
  Object.keys(record.config.ExposedPorts ?? {});
/** Of the host, while they are. */
const publishedPorts = ({ state }: Container): readonly string[] =>
  boundPorts(state)
    .filter(({ hostPort }) => hostPort !== 0)
    .map(({ hostPort, hostPortEnd = hostPort, proto }) => `${hostPort}-${hostPortEnd}/${proto}`);

function matchPorts(filters: Filters, key: string, ports: readonly string[]): boolean {
  const wanted = filters.values(key).map((value) => readPort(key, value));
  return ports
    .map(parsePort)
    .some((port) =>
      wanted.some(
        ({ proto, first, last }) => proto === port.proto && port.first <= last && port.last >= first,
      ),
    );
}
