// Ports in a container's settings. Clients name each port of a range; here neighbours are one entry, whatever their number:
//
//   client   {"20000/udp": [{HostIp: "", HostPort: "20000"}], "20001/udp": [{HostIp: "", HostPort: "20001"}], …}
//   kept     {"20000-30000/udp": [{HostIp: "", HostPort: "20000"}]}      the first one's, or "" for any port of the host for each
//
// A client may itself expose a range, which is shown as it came: so a run of exposed ports has as its value how many they are.

export interface PortBinding {
  readonly HostIp: string;
  readonly HostPort: string;
}

type Bindings = readonly PortBinding[] | null;
export type PortBindings = Readonly<Record<string, Bindings>>;
type ExposedPorts = Readonly<Record<string, unknown>>;

interface Run<T> {
  readonly key: string;
  readonly first: number;
  readonly proto: string;
  /** Of the first port. */
  readonly value: T;
  last: number;
}

/** Neighbours become runs where `follows` says that a value, that many ports behind the first one, goes on with it. */
function findRuns<T>(
  ports: Readonly<Record<string, T>>,
  follows: (value: T, distance: number, first: T) => boolean,
): readonly Run<T>[] {
  const runs: Run<T>[] = [];
  /** Of each protocol: the one that may grow. */
  const growing = new Map<string, Run<T>>();
  for (const key of Object.keys(ports)) {
    const value = ports[key];
    if (value === undefined) continue;
    const slash = key.indexOf("/");
    const port = Number(key.slice(0, slash));
    const proto = key.slice(slash + 1);
    const isPlain = slash > 0 && `${port}/${proto}` === key;
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

const isRun = ({ first, last }: Run<unknown>): boolean => last > first;
const nameOf = (run: Run<unknown>): string =>
  isRun(run) ? `${run.first}-${run.last}/${run.proto}` : run.key;

const isThatFar = (text: string, distance: number, first: string): boolean =>
  first === "" ? text === "" : Number(first) > 0 && text === String(Number(first) + distance);

const followsBindings = (bindings: Bindings, distance: number, first: Bindings): boolean =>
  bindings !== null &&
  first !== null &&
  first.length > 0 &&
  bindings.length === first.length &&
  bindings.every(({ HostIp, HostPort }, index) => {
    const before = first[index];
    return before?.HostIp === HostIp && isThatFar(HostPort, distance, before.HostPort);
  });

/** Keys that are ranges already stay as they are. What has no runs is returned itself. */
export function packBindings(bindings: PortBindings): PortBindings {
  const runs = findRuns(bindings, followsBindings);
  return runs.some(isRun) ? Object.fromEntries(runs.map((run) => [nameOf(run), run.value])) : bindings;
}

const followsExposed = (value: unknown, _: number, first: unknown): boolean =>
  typeof value === "object" && typeof first === "object";

export function packExposed(ports: ExposedPorts): ExposedPorts {
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
