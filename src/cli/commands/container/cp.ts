import { lstat, stat } from "node:fs/promises";
import { posix, resolve } from "node:path";
import { pipeline } from "node:stream/promises";
import type { Engine } from "#client/engine.ts";
import { writeTar } from "#formats/tar-writer.ts";
import { formatSize } from "#formats/units.ts";
import {
  type CopyTarget,
  endsAsDirectory,
  parseSide,
  planCopy,
  renameEntry,
  sourceName,
  splitPath,
} from "../../copy/copy-plan.ts";
import { packFiles } from "../../copy/pack-files.ts";
import { unpackFiles } from "../../copy/unpack-files.ts";
import type { Call, Command } from "../../grammar/command.ts";
import { toggle } from "../../grammar/flags.ts";

const archive = toggle("archive", { short: "a", about: "Archive mode (copy all uid/gid information)" });
const followLink = toggle("follow-link", { short: "L", about: "Always follow symbol link in SRC_PATH" });
const quiet = toggle("quiet", {
  short: "q",
  about:
    "Suppress progress output during copy. Progress output is automatically suppressed if no terminal is attached",
});

const MODE_DIRECTORY = 2 ** 31;
const MODE_SYMLINK = 2 ** 27;
const MODE_TYPES = 2 ** 31 + 2 ** 27 + 2 ** 26 + 2 ** 25 + 2 ** 24 + 2 ** 21 + 2 ** 19;
/** Of Go's file modes. */
const has = (mode: number, bits: number): boolean => Math.floor(mode / bits) % 2 === 1;
const isPlain = (mode: number): boolean => (BigInt(mode) & BigInt(MODE_TYPES)) === 0n;

export const command: Command = {
  usage: "[OPTIONS] CONTAINER:SRC_PATH DEST_PATH|-\n\tdocker cp [OPTIONS] SRC_PATH|- CONTAINER:DEST_PATH",
  about: "Copy files/folders between a container and the local filesystem",
  takes: [2, 2],
  flags: [archive, followLink, quiet],
  run: async (call) => {
    const [from = "", to = ""] = call.arguments;
    if (from === "") throw new Error("source can not be empty");
    if (to === "") throw new Error("destination can not be empty");
    const [source, target] = [parseSide(from), parseSide(to)];
    if ("container" in source && "container" in target)
      throw new Error("copying between containers is not supported");
    const engine = await call.session.engine(call.signal);
    if ("container" in source) await copyOut(call, engine, source, target.path);
    else if ("container" in target) await copyIn(call, engine, source.path, target);
    else throw new Error("must specify at least one container source");
  },
};

interface Inside {
  readonly container: string;
  readonly path: string;
}

/** Told on the error stream of a terminal, as a progress would be. */
function tell({ session, option }: Call, bytes: number, to: string): void {
  if (option(quiet) || session.surroundings.stdout.isTTY !== true) return;
  session.err(`Successfully copied ${formatSize(bytes)} to ${to}\n`);
}

async function copyOut(call: Call, engine: Engine, { container, path }: Inside, to: string): Promise<void> {
  const { session, signal, option } = call;
  const destination = to === "-" ? to : localPath(to);
  if (to !== "-") await refuseParent(destination);
  const asked = option(followLink) ? await followedSource(engine, { container, path }, signal) : path;
  const { stat: found, body } = await engine.containers.getArchive(container, asked, signal);
  if (to === "-") {
    await pipeline(body, session.surroundings.stdout, { end: false });
    return;
  }
  const isDirectory = has(found.mode, MODE_DIRECTORY);
  const plan = planCopy(
    { path: asked, isDirectory, name: sourceName(asked) },
    await localTarget(destination),
  );
  const kept =
    asked !== path && plan.rename === undefined
      ? { from: sourceName(asked), to: sourceName(path) }
      : undefined;
  let bytes = 0;
  await unpackFiles(body, {
    ...plan,
    ...(kept !== undefined && { rename: kept }),
    onBytes: (count) => {
      bytes += count;
    },
  });
  tell(call, bytes, to);
}

/** What a symlink at the end leads to. */
async function followedSource(engine: Engine, inside: Inside, signal: AbortSignal): Promise<string> {
  const found = await engine.containers
    .statPath(inside.container, inside.path, signal)
    .catch(() => undefined);
  return found === undefined || !has(found.mode, MODE_SYMLINK)
    ? inside.path
    : posix.resolve(splitPath(`/${inside.path}`).directory, found.linkTarget);
}

const localPath = (path: string): string =>
  resolve(path) + (endsAsDirectory(path) && resolve(path) !== "/" ? "/" : "");

async function refuseParent(path: string): Promise<void> {
  const { directory } = splitPath(path);
  await stat(directory).catch((cause: unknown) => {
    throw new Error(`invalid output path: directory ${JSON.stringify(directory)} does not exist`, { cause });
  });
  const found = await stat(path).catch(() => undefined);
  if (found !== undefined && !found.isDirectory() && !found.isFile())
    throw new Error(`invalid output path: ${JSON.stringify(path)} must be a directory or a regular file`);
}

async function localTarget(path: string): Promise<CopyTarget> {
  const found = await stat(path).catch(() => undefined);
  return { path, exists: found !== undefined, isDirectory: found?.isDirectory() === true };
}

async function copyIn(call: Call, engine: Engine, from: string, inside: Inside): Promise<void> {
  const { session, signal, option } = call;
  const target = await insideTarget(engine, inside, signal);
  const send = (directory: string, body: AsyncIterable<Uint8Array>): Promise<void> =>
    engine.containers.putArchive(
      inside.container,
      directory,
      { body, noOverwriteDirNonDir: true, copyUIDGID: option(archive) },
      signal,
    );
  if (from === "-") {
    if (!target.isDirectory)
      throw new Error(`destination "${inside.container}:${inside.path}" must be a directory`);
    await send(target.path, session.surroundings.stdin);
    return;
  }
  const path = localPath(from);
  const found = await (option(followLink) || endsAsDirectory(from) ? stat : lstat)(path);
  const isDirectory = found.isDirectory();
  if (endsAsDirectory(from) && !isDirectory) throw new Error("not a directory");
  const name = sourceName(/(^|\/)\.$/.test(from) ? from : path);
  const plan = planCopy({ path: from, isDirectory, name }, target);
  let bytes = 0;
  const members = packFiles(
    path,
    renameEntry(name, plan.rename),
    option(followLink) || endsAsDirectory(from),
  );
  await send(
    plan.directory,
    counted(writeTar(members), (count) => (bytes += count)),
  );
  tell(call, bytes, `${inside.container}:${inside.path}`);
}

async function* counted(
  chunks: AsyncIterable<Uint8Array>,
  onBytes: (count: number) => void,
): AsyncGenerator<Uint8Array> {
  for await (const chunk of chunks) {
    onBytes(chunk.length);
    yield chunk;
  }
}

/** A symlink at the end is followed: the copy goes where it leads. */
async function insideTarget(
  engine: Engine,
  { container, path }: Inside,
  signal: AbortSignal,
): Promise<CopyTarget> {
  const find = (at: string) =>
    engine.containers.statPath(container, at, signal).catch((error: unknown) => {
      if (error instanceof Error && /No such container/.test(error.message)) throw error;
      return undefined;
    });
  const first = await find(path);
  if (first === undefined) return { path, exists: false, isDirectory: false };
  const isLink = has(first.mode, MODE_SYMLINK);
  const at = isLink ? posix.resolve(splitPath(`/${path}`).directory, first.linkTarget) : path;
  const found = isLink ? await find(at) : first;
  if (found === undefined) return { path: at, exists: false, isDirectory: false };
  const isDirectory = has(found.mode, MODE_DIRECTORY);
  if (!isDirectory && !isPlain(found.mode))
    throw new Error(`destination "${container}:${path}" must be a directory or a regular file`);
  return { path: at, exists: true, isDirectory };
}
