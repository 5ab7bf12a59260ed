// Ports in a container's settings. Clients name each port of a range; here neighbours are one entry, whatever their number:
//
//   client   {"20000/udp": [{HostIp: "", HostPort: "20000"}], "20001/udp": [{HostIp: "", HostPort: "20001"}], …}
//   kept     {"20000-30000/udp": [{HostIp: "", HostPort: "20000"}]}      the first one's, or "" for any port of the host for each
//
// A client may itself expose a range, which is shown as it came: so a run of exposed ports has as its value how many they are.

import { isRecord } from "#base/decode.ts";

export interface PortBinding {
  readonly HostIp: string;
  readonly HostPort: string;
}

type Bindings = readonly PortBinding[] | null;
export type PortBindings = Readonly<Record<string, Bindings>>;
type ExposedPorts = Readonly<Record<string, unknown>>;

interface Run {
  readonly key: string;
  readonly first: number;
  readonly proto: string;
  /** Of the first port. */
  readonly value: unknown;
  last: number;
}

/** Says that a value, that many ports behind the first one, goes on with it. */
type Follows = (value: unknown, distance: number, first: unknown) => boolean;

/** Neighbours become runs. Looks at each port once, and makes nothing for those that follow: there may be tens of thousands. */
function findRuns(ports: ExposedPorts, follows: Follows): readonly Run[] {
  const runs: Run[] = [];
  /** Of each protocol: the one that may grow. */
  const growing = new Map<string, Run>();
  for (const key of Object.keys(ports)) {
    const value = ports[key];
    const slash = key.indexOf("/");
    const port = Number(key.slice(0, slash));
    const proto = key.slice(slash + 1);
    const isPlain = Number.isInteger(port) && port > 0 && String(port).length === slash;
    const run = growing.get(proto);
    if (isPlain && run?.last === port - 1 && follows(value, port - run.first, run.value)) run.last = port;
    else {
      const own = { key, first: port, proto, value, last: isPlain ? port : Number.NaN };
      runs.push(own);
      growing.set(proto, own);
    }
  }
  return runs;
}

const isRun = ({ first, last }: Run): boolean => last > first;
const nameOf = (run: Run): string => (isRun(run) ? `${run.first}-${run.last}/${run.proto}` : run.key);

const isThatFar = (text: unknown, distance: number, first: unknown): boolean =>
  first === "" ? text === "" : Number(first) > 0 && text === String(Number(first) + distance);

function followsBinding(binding: unknown, distance: number, first: unknown): boolean {
  if (!isRecord(binding) || !isRecord(first) || typeof first.HostPort !== "string") return false;
  return binding.HostIp === first.HostIp && isThatFar(binding.HostPort, distance, first.HostPort);
}

const followsBindings: Follows = (bindings, distance, first) =>
  Array.isArray(bindings) &&
  Array.isArray(first) &&
  first.length > 0 &&
  bindings.length === first.length &&
  bindings.every((binding, index) => followsBinding(binding, distance, first[index]));

const followsExposed: Follows = (value, _, first) => typeof value === "object" && typeof first === "object";

/** Bindings as they were sent, or kept: what is not in a run, and the first of each run, is still to be decoded. What has no runs is returned itself. */
export function packBindings(bindings: unknown): unknown {
  if (!isRecord(bindings)) return bindings;
  const runs = findRuns(bindings, followsBindings);
  return runs.some(isRun) ? Object.fromEntries(runs.map((run) => [nameOf(run), run.value])) : bindings;
}

/** The same of exposed ports. */
export function packExposed(ports: unknown): unknown {
  if (!isRecord(ports)) return ports;
  const runs = findRuns(ports, followsExposed);
  if (!runs.some(isRun)) return ports;
  return Object.fromEntries(
    runs.map((run) => [nameOf(run), isRun(run) ? run.last - run.first + 1 : run.value]),
  );
}

/** In the order of Go's maps, which is that of the keys. */
export const inKeyOrder = <T>(entries: readonly (readonly [string, T])[]): Readonly<Record<string, T>> =>
  Object.fromEntries(entries.toSorted(([one], [other]) => (one < other ? -1 : 1)));

/** The single ports of a range; undefined of a key that is none. */
function spread(key: string): { readonly keys: readonly string[] } | undefined {
  const match = /^(\d+)-(\d+)\/(\w+)$/.exec(key);
  if (match === null) return undefined;
  const [, first, last, proto] = match;
  const length = Number(last) - Number(first) + 1;
  return { keys: Array.from({ length }, (_, at) => `${Number(first) + at}/${proto}`) };
}

const movedBy = ({ HostIp, HostPort }: PortBinding, distance: number): PortBinding => ({
  HostIp,
  HostPort: HostPort === "" ? "" : String(Number(HostPort) + distance),
});

/** As clients know them. */
export const unpackBindings = (bindings: PortBindings): PortBindings =>
  inKeyOrder(
    Object.entries(bindings).flatMap(([key, list]): readonly (readonly [string, Bindings])[] => {
      const range = spread(key);
      if (range === undefined) return [[key, list]];
      return range.keys.map((each, at) => [each, list?.map((binding) => movedBy(binding, at)) ?? null]);
    }),
  );

/** As clients know them. */
export const unpackExposed = (ports: ExposedPorts): ExposedPorts =>
  inKeyOrder(
    Object.entries(ports).flatMap(([key, value]): readonly (readonly [string, unknown])[] => {
      const range = typeof value === "number" ? spread(key) : undefined;
      return range === undefined ? [[key, value]] : range.keys.map((each) => [each, {}]);
    }),
  );
