// What the threads do with a tree, over a session whose plan has been sent already.

import { pipeline } from "node:stream";
import { EngineError, systemError } from "#base/errors.ts";
import { SNIFF_LENGTH, sniffCompression } from "#formats/tar-compression.ts";
import { TarReader } from "#formats/tar-reader.ts";
import { PlanError } from "#kernel/plan/executor.ts";
import type { Op } from "#kernel/plan/ops.ts";
import { decodeRecord, isDirectory, type TreeRecord } from "#kernel/plan/tree-record.ts";
import type { PlanSession } from "#kernel/zygote/session.ts";
import { BodyReader } from "#kernel/zygote/wire-frames.ts";
import { openDecoder } from "../diff/decompress.ts";
import { isMountPoint, listChanges, replacedDirectories, type UpperEntry } from "./changes.ts";
import { LOWER, UPPER } from "./layer-view.ts";
import { namesBelow, type PackStyle, packTree, plainNames } from "./pack.ts";
import {
  baseName,
  describeMissing,
  describePath,
  findPath,
  findRecord,
  type PathStat,
  resolveWithin,
} from "./tree-paths.ts";
import { CopyPlan, type CopyRules, describeKindFailure } from "./unpack-plan.ts";
import { VIEW_ROOT } from "./view.ts";

type Chunks = AsyncGenerator<Uint8Array<ArrayBuffer>>;
const why = "reading the files of the container";

const treeOf = (root: number, path: string, content: boolean): Op => ({
  op: "readTree",
  why,
  root,
  path,
  content,
});

/** What is at a path, its name being that it was asked for by; `tell` hears first what it is. */
export async function* packPath(session: PlanSession, path: string, tell: (stat: PathStat) => void): Chunks {
  const found = await findPath(session, VIEW_ROOT, path);
  tell(await describePath(session, VIEW_ROOT, found));
  const style: PackStyle = { name: namesBelow(baseName(found.asked)), layer: false, exclude: new Set() };
  yield* packTree(session.read(treeOf(VIEW_ROOT, found.resolved, true)), style);
}

/** Everything, the top itself left out. */
export async function* packRoot(session: PlanSession): Chunks {
  const style: PackStyle = { name: plainNames, layer: false, exclude: new Set() };
  yield* packTree(session.read(treeOf(VIEW_ROOT, ".", true)), style);
}

/** What the snapshot has of its own, as a layer of an image. */
export async function* packLayer(session: PlanSession, exclude: readonly string[]): Chunks {
  const style: PackStyle = { name: plainNames, layer: true, exclude: await mountPoints(session, exclude) };
  yield* packTree(session.read(treeOf(UPPER, ".", true)), style);
}

/** Those of the paths that are nothing but what something is mounted on. */
async function mountPoints(session: PlanSession, paths: readonly string[]): Promise<ReadonlySet<string>> {
  const found = new Set<string>();
  for (const path of paths) {
    const [record, below] = [await findRecord(session, UPPER, path), await findRecord(session, LOWER, path)];
    if (record !== undefined && isMountPoint({ record, below })) found.add(path);
  }
  return found;
}

/** Docker's list of changes as JSON. */
export async function* packChanges(session: PlanSession, exclude: readonly string[]): Chunks {
  const records = await readRecords(session, UPPER, ".");
  const below = await statAll(session, records);
  const hidden = new Map<TreeRecord, readonly string[]>();
  for (const record of replacedDirectories(records))
    hidden.set(record, await namesIn(session, record.path.toString()));
  const entries = records.map((record, index): UpperEntry => {
    return { record, below: below[index], hidden: hidden.get(record) ?? [] };
  });
  const changes = listChanges(withoutPlaces(entries, new Set(exclude)));
  const text = changes.length === 0 ? "null" : JSON.stringify(changes);
  const bytes = new TextEncoder().encode(`${text}\n`);
  const CHUNK = 256 << 10;
  for (let at = 0; at < bytes.length; at += CHUNK) yield bytes.slice(at, at + CHUNK);
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
async function readRecords(session: PlanSession, root: number, path: string): Promise<readonly TreeRecord[]> {
  const records: TreeRecord[] = [];
  for await (const part of session.read(treeOf(root, path, false))) {
    if (part.kind !== "entry" || part.record.path.length === 0) continue;
    const odd = part.record.xattrs.find(({ name }) => /^trusted\.overlay\.(redirect|metacopy)$/.test(name));
    if (odd !== undefined) throw systemError(`${part.record.path}: ${odd.name} is not supported`);
    records.push(part.record);
  }
  return records;
}

async function statAll(
  session: PlanSession,
  records: readonly TreeRecord[],
): Promise<readonly (TreeRecord | undefined)[]> {
  const BATCH = 256;
  const found: (TreeRecord | undefined)[] = [];
  for (let at = 0; at < records.length; at += BATCH) {
    const ops = records.slice(at, at + BATCH).map(({ path }): Op => {
      return { op: "stat", why, root: LOWER, path: path.toString(), missingOk: true };
    });
    for (const [bytes] of await session.askAll(ops))
      found.push(bytes === undefined ? undefined : decodeRecord(new BodyReader(Buffer.from(bytes))));
  }
  return found;
}

async function namesIn(session: PlanSession, path: string): Promise<readonly string[]> {
  const found = await findRecord(session, LOWER, path);
  if (found === undefined || !isDirectory(found)) return [];
  const records = await readRecords(session, LOWER, path);
  return records.map((record) => record.path.toString()).filter((name) => !name.includes("/"));
}

export interface UnpackRequest {
  readonly path: string;
  readonly keepKinds: boolean;
  /** Of everything that is made; else as the archive says. */
  readonly owner?: { readonly uid: number; readonly gid: number };
  /** Where nothing may be written, and what is said then. */
  readonly refusals: readonly { readonly at: string; readonly message: string }[];
}

/** Unpacks an archive, compressed or not, into a directory that is there. */
export async function unpackInto(
  session: PlanSession,
  request: UnpackRequest,
  chunks: AsyncIterable<Uint8Array>,
): Promise<void> {
  const directory = await findDirectory(session, request);
  const { keepKinds, owner } = request;
  const rules: CopyRules = { root: VIEW_ROOT, directory, keepKinds, ...(owner !== undefined && { owner }) };
  try {
    await writeEntries(session, new CopyPlan(rules), chunks);
    await session.end();
  } catch (error) {
    if (!(error instanceof PlanError)) throw error;
    throw describeKindFailure(error.code, error.why, rules) ?? error;
  }
}

async function findDirectory(session: PlanSession, { path, refusals }: UnpackRequest): Promise<string> {
  const directory = await resolveWithin(session, VIEW_ROOT, path);
  const record = await findRecord(session, VIEW_ROOT, directory);
  if (record === undefined) throw await describeMissing(session, VIEW_ROOT, directory);
  if (!isDirectory(record)) throw new EngineError("invalid", "extraction point is not a directory");
  // The deepest mount that holds it decides.
  const [nearest] = refusals
    .filter(({ at }) => at === "/" || directory === at || directory.startsWith(`${at}/`))
    .toSorted((left, right) => right.at.length - left.at.length);
  if (nearest !== undefined && nearest.message !== "") throw new EngineError("invalid", nearest.message);
  return directory;
}

async function writeEntries(
  session: PlanSession,
  plan: CopyPlan,
  chunks: AsyncIterable<Uint8Array>,
): Promise<void> {
  const reader = new TarReader();
  let skipping = false;
  let isEmpty = true;
  for await (const chunk of decompressed(chunks)) {
    isEmpty = false;
    for (const event of reader.push(chunk)) {
      if (event.kind === "data") {
        if (!skipping) await session.write({ op: "fileData", why: "content", data: event.data });
        continue;
      }
      const ops = plan.entry(event.entry);
      skipping = ops.at(-1)?.op !== "makeFile";
      for (const op of ops) await session.write(op);
    }
  }
  if (!isEmpty) reader.finish();
  for (const op of plan.end()) await session.write(op);
}

async function* decompressed(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Buffer> {
  const input = chunks[Symbol.asyncIterator]();
  const first: Buffer[] = [];
  let held = 0;
  while (held < SNIFF_LENGTH) {
    const next = await input.next();
    if (next.done === true) break;
    first.push(bufferOf(next.value));
    held += next.value.length;
  }
  const all = (async function* () {
    yield* first;
    for (let next = await input.next(); next.done !== true; next = await input.next())
      yield bufferOf(next.value);
  })();
  const decoder = openDecoder(sniffCompression(Buffer.concat(first).subarray(0, SNIFF_LENGTH)));
  if (decoder === undefined) return yield* all;
  // The iteration sees every error: pipeline destroys the decoder with it.
  for await (const chunk of pipeline(all, decoder, () => undefined)) {
    if (!Buffer.isBuffer(chunk)) throw new TypeError("an archive gave text");
    yield chunk;
  }
}

const bufferOf = (bytes: Uint8Array): Buffer => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
