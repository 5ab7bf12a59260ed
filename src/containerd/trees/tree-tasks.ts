// What the threads do with the trees that a job's process has opened.

import { setImmediate } from "node:timers/promises";
import { EngineError, systemError } from "#base/errors.ts";
import { TarReader } from "#formats/tar-reader.ts";
import { PlanError } from "#kernel/plan/executor.ts";
import { explained } from "#kernel/trees/explain.ts";
import { rawName } from "#kernel/trees/ffi-calls.ts";
import { findRecord, namesIn, type OpenEntry, readTree } from "#kernel/trees/read.ts";
import { isDirectory, type TreeRecord } from "#kernel/trees/record.ts";
import { type TreeOp, TreeWriter } from "#kernel/trees/write.ts";
import { decompressed } from "../diff/decompress.ts";
import { isMountPoint, listChanges, replacedDirectories, type UpperEntry } from "./changes.ts";
import { namesBelow, type PackStyle, packTree, plainNames } from "./pack.ts";
import { readChanged } from "./tree-compare.ts";
import type { LayerChoice } from "./tree-messages.ts";
import {
  baseName,
  describeMissing,
  describePath,
  findPath,
  findText,
  type PathStat,
  resolveWithin,
} from "./tree-paths.ts";
import { CopyPlan, type CopyRules, describeKindFailure } from "./unpack-plan.ts";
import type { IdTranslation } from "./user-ids.ts";

type Chunks = Generator<Uint8Array<ArrayBuffer>>;

/** By planView. */
export interface OpenView {
  readonly root: number;
  readonly ids: IdTranslation;
}

/** By planLayers. */
export interface OpenLayers {
  readonly upper: number;
  readonly lower: number;
}

/** What is at a path, its name being that it was asked for by; `tell` hears first what it is. */
export function* packPath(view: OpenView, path: string, tell: (stat: PathStat) => void): Chunks {
  const found = findPath(view.root, path);
  tell(describePath(view.root, found));
  const style: PackStyle = { name: namesBelow(baseName(found.asked)), layer: false, exclude: new Set() };
  yield* packTree(readView(view, found.resolved), style);
}

/** Everything, the top itself left out. */
export function* packRoot(view: OpenView): Chunks {
  yield* packTree(readView(view, "."), { name: plainNames, layer: false, exclude: new Set() });
}

function* readView({ root, ids }: OpenView, path: string): Generator<OpenEntry> {
  for (const { record, read } of readTree(root, rawName(path))) yield { record: ids.toInside(record), read };
}

/** What the snapshot has of its own, as a layer of an image. */
export function* packLayer(layers: OpenLayers, { exclude, whole }: LayerChoice): Chunks {
  const style: PackStyle = { name: plainNames, layer: true, exclude: mountPoints(layers, exclude) };
  yield* packTree(readOwn(layers, whole), style);
}

const readOwn = ({ upper, lower }: OpenLayers, whole: boolean): Iterable<OpenEntry> =>
  whole ? readChanged(upper, lower) : readTree(upper, ".");

/** Those of the paths that are nothing but what something is mounted on. */
function mountPoints({ upper, lower }: OpenLayers, paths: readonly string[]): ReadonlySet<string> {
  const found = new Set<string>();
  for (const path of paths.toSorted().reverse()) {
    const record = findText(upper, path);
    if (record === undefined || !isMountPoint({ record, below: findText(lower, path) })) continue;
    const inside = isDirectory(record) ? namesIn(upper, path) : [];
    if (inside.every((name) => found.has(`${path}/${name}`))) found.add(path);
  }
  return found;
}

/** Docker's list of changes as JSON. */
export async function* packChanges(
  layers: OpenLayers,
  { exclude, whole }: LayerChoice,
): AsyncGenerator<Uint8Array<ArrayBuffer>> {
  const records = await readRecords(readOwn(layers, whole));
  const hidden = new Map<TreeRecord, readonly string[]>();
  for (const record of replacedDirectories(records))
    hidden.set(record, namesIn(layers.lower, record.path.toString("latin1")));
  const entries: UpperEntry[] = [];
  for (const record of records) {
    const below = findRecord(layers.lower, record.path.toString("latin1"));
    entries.push({ record, below, hidden: hidden.get(record) ?? [] });
    if (entries.length % TURN === 0) await setImmediate();
  }
  const places = new Set(exclude);
  const changes = listChanges(withoutPlaces(entries, places).map((entry) => overPlace(entry, places)));
  const text = changes.length === 0 ? "null" : JSON.stringify(changes);
  const bytes = new TextEncoder().encode(`${text}\n`);
  const CHUNK = 256 << 10;
  for (let at = 0; at < bytes.length; at += CHUNK) yield bytes.slice(at, at + CHUNK);
}

/** Entries after which other jobs have their turn. */
const TURN = 1000;

/** What is there instead of a place is a change of that, and nothing new. */
function overPlace(entry: UpperEntry, places: ReadonlySet<string>): UpperEntry {
  const { record, below } = entry;
  if (below !== undefined || !places.has(record.path.toString())) return entry;
  return { ...entry, below: { ...record, size: isDirectory(record) ? record.size : -1 } };
}

/** Directories among the places stay if anything else is in them. */
function withoutPlaces(entries: readonly UpperEntry[], places: ReadonlySet<string>): readonly UpperEntry[] {
  const used = new Set<string>();
  const kept: UpperEntry[] = [];
  for (const entry of entries.toReversed()) {
    const path = entry.record.path.toString();
    if (places.has(path) && !used.has(path) && isMountPoint(entry)) continue;
    used.add(path.slice(0, Math.max(path.lastIndexOf("/"), 0)));
    kept.push(entry);
  }
  return kept.reverse();
}

/** Without the top, and with every overlay mark that this would misread refused. */
async function readRecords(entries: Iterable<OpenEntry>): Promise<readonly TreeRecord[]> {
  const records: TreeRecord[] = [];
  for (const { record } of entries) {
    if (record.path.length === 0) continue;
    const odd = record.xattrs.find(({ name }) => /^trusted\.overlay\.(redirect|metacopy)$/.test(name));
    if (odd !== undefined) throw systemError(`${record.path}: ${odd.name} is not supported`);
    records.push(record);
    if (records.length % TURN === 0) await setImmediate();
  }
  return records;
}

export interface UnpackRequest {
  readonly path: string;
  readonly keepKinds: boolean;
  /** The directory itself becomes what the archive says, too. */
  readonly takesTop?: boolean;
  /** Of everything that is made; else as the archive says. */
  readonly owner?: { readonly uid: number; readonly gid: number };
  /** Where nothing may be written, and what is said then. */
  readonly refusals: readonly { readonly at: string; readonly message: string }[];
}

/** Unpacks an archive, compressed or not, into a directory that is there. */
export async function unpackInto(
  view: OpenView,
  request: UnpackRequest,
  chunks: AsyncIterable<Uint8Array>,
): Promise<void> {
  const directory = explained(request.path, () => findDirectory(view.root, request));
  const { keepKinds, owner, takesTop = false } = request;
  const rules: CopyRules = { directory, keepKinds, takesTop, ...(owner !== undefined && { owner }) };
  try {
    await writeEntries(view, new CopyPlan(rules), chunks);
  } catch (error) {
    if (!(error instanceof PlanError)) throw error;
    throw describeKindFailure(error.code, error.why, rules) ?? error;
  }
}

function findDirectory(root: number, { path, refusals }: UnpackRequest): string {
  const directory = resolveWithin(root, path);
  const record = findText(root, directory);
  if (record === undefined) throw describeMissing(root, directory);
  if (!isDirectory(record)) throw new EngineError("invalid", "extraction point is not a directory");
  // The deepest mount that holds it decides.
  const [nearest] = refusals
    .filter(({ at }) => at === "/" || directory === at || directory.startsWith(`${at}/`))
    .toSorted((left, right) => right.at.length - left.at.length);
  if (nearest !== undefined && nearest.message !== "") throw new EngineError("invalid", nearest.message);
  return directory;
}

async function writeEntries(
  { root, ids }: OpenView,
  plan: CopyPlan,
  chunks: AsyncIterable<Uint8Array>,
): Promise<void> {
  using writer = new TreeWriter(root, ids.root);
  const apply = (ops: readonly TreeOp[]): void => {
    for (const op of ops)
      writer.apply("attributes" in op ? { ...op, attributes: ids.toOutside(op.attributes) } : op);
  };
  const reader = new TarReader();
  let isEmpty = true;
  for await (const chunk of decompressed(chunks)) {
    isEmpty = false;
    for (const event of reader.push(chunk))
      if (event.kind === "entry") apply(plan.entry(event.entry));
      else writer.content(event);
  }
  if (!isEmpty) reader.finish();
  apply(plan.end());
}
