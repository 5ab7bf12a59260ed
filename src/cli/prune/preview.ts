// What a prune would remove, told before the user agrees. Only asks: what changes meanwhile is decided by the daemon.

import type { Engine } from "#client/engine.ts";
import type { Filters } from "#client/engine-client.ts";
import { formatSize } from "#formats/units.ts";
import type { ContainerSummary, ImageSummary } from "#spec/engine-api/definitions.table.ts";
import type { Call } from "../grammar/command.ts";
import { parseMoment } from "../moment.ts";
import { shortId } from "../output/texts.ts";

export interface Pruned {
  readonly containers?: boolean;
  readonly networks?: boolean;
  readonly images?: "all" | "dangling";
  readonly volumes?: "all" | "anonymous";
}

const STOPPED = ["created", "exited", "dead"];
const ANONYMOUS = "com.docker.volume.anonymous";

type Labels = Readonly<Record<string, string>> | null | undefined;

function hasLabel(labels: Labels, pair: string): boolean {
  const [name = "", ...value] = pair.split("=");
  if (labels === null || labels === undefined || !Object.hasOwn(labels, name)) return false;
  return value.length === 0 || labels[name] === value.join("=");
}

/** As the daemon reads `until`, `label` and `label!`. */
class Sieve {
  readonly #limits: readonly number[];
  readonly #filters: Filters;

  constructor(filters: Filters, now: number) {
    this.#filters = filters;
    this.#limits = (filters.until ?? []).map((text) => Number(parseMoment(text, now, "until")));
  }

  /** `created` in seconds. */
  takes(labels: Labels, created: number): boolean {
    const { label = [], "label!": kept = [] } = this.#filters;
    return (
      this.#limits.every((limit) => created <= limit) &&
      label.every((pair) => hasLabel(labels, pair)) &&
      !kept.some((pair) => hasLabel(labels, pair))
    );
  }
}

const nameOf = ({ Id = "", Names }: ContainerSummary): string =>
  (Names ?? []).find((one) => one.lastIndexOf("/") === 0)?.slice(1) ?? shortId(Id);

const describeContainer = (container: ContainerSummary): string =>
  `${nameOf(container)} (${container.Image ?? ""}, ${container.Status ?? ""})`;

const isDangling = ({ RepoTags }: ImageSummary): boolean =>
  (RepoTags ?? []).every((tag) => tag === "<none>:<none>");

const describeImage = ({ Id = "", RepoTags, Size = 0 }: ImageSummary): string =>
  `${(RepoTags ?? [])[0] ?? shortId(Id)} (${formatSize(Size)})`;

interface Course {
  readonly engine: Engine;
  readonly sieve: Sieve;
  /** The containers that stay: what they use stays, too. */
  readonly staying: readonly ContainerSummary[];
  readonly signal: AbortSignal;
}

async function networkNames({ engine, sieve, signal }: Course): Promise<readonly string[]> {
  const found = await engine.networks.list({ dangling: ["true"] }, signal);
  return found
    .filter(({ Labels, Created }) => sieve.takes(Labels, Date.parse(Created ?? "") / 1000 || 0))
    .map(({ Name = "" }) => Name);
}

async function imageNames(course: Course, which: "all" | "dangling"): Promise<readonly string[]> {
  const { engine, sieve, staying, signal } = course;
  const used = new Set(staying.map(({ ImageID }) => ImageID));
  const found = await engine.images.list({}, signal);
  return found
    .filter((image) => (which === "all" || isDangling(image)) && !used.has(image.Id ?? ""))
    .filter(({ Labels, Created = 0 }) => sieve.takes(Labels, Created))
    .map(describeImage);
}

async function volumeNames(course: Course, which: "all" | "anonymous"): Promise<readonly string[]> {
  const { engine, sieve, staying, signal } = course;
  const used = new Set(staying.flatMap(({ Mounts }) => (Mounts ?? []).map(({ Name }) => Name)));
  const { Volumes } = await engine.volumes.list({}, signal);
  return (Volumes ?? [])
    .filter(({ Name, Labels }) => !used.has(Name) && (which === "all" || hasLabel(Labels, ANONYMOUS)))
    .filter(({ Driver, Labels }) => Driver === "local" && sieve.takes(Labels, 0))
    .map(({ Name = "" }) => Name);
}

const lines = (kind: string, names: readonly string[]): string =>
  names.map((name) => `  - ${kind}${name}\n`).join("");

/** "  - web (busybox, Exited (0) 5 minutes ago)", a line each; of several kinds each with its kind's name. */
export async function previewPrune(call: Call, pruned: Pruned, filters: Filters): Promise<string> {
  const { session, signal } = call;
  const engine = await session.engine(signal);
  const sieve = new Sieve(filters, session.surroundings.now());
  const all = await engine.containers.list({ all: true }, signal);
  const goes = ({ State = "", Labels, Created = 0 }: ContainerSummary): boolean =>
    pruned.containers === true && STOPPED.includes(State) && sieve.takes(Labels, Created);
  const course = { engine, sieve, staying: all.filter((one) => !goes(one)), signal };
  const parts = {
    container: all.filter(goes).map(describeContainer),
    network: pruned.networks === true ? await networkNames(course) : [],
    volume: pruned.volumes === undefined ? [] : await volumeNames(course, pruned.volumes),
    image: pruned.images === undefined ? [] : await imageNames(course, pruned.images),
  };
  const isMixed = Object.keys(pruned).length > 1;
  return Object.entries(parts)
    .map(([kind, names]) => lines(isMixed ? `${kind} ` : "", names))
    .join("");
}
