// /containers/{id}/archive: files out of a container and into it.

import { EngineError, invalid, isKind, systemError } from "#base/errors.ts";
import type { PathStat, Trees } from "#containerd/trees/trees.ts";
import type { EventBus } from "#engine/events/events.ts";
import { PlanError } from "#kernel/plan/executor.ts";
import { releasing } from "../../releasing.ts";
import { publishContainerEvent } from "../container-events.ts";
import { hasProcess } from "../record.ts";
import { scope } from "../scope.ts";
import type { Container, ContainerStore } from "../store.ts";
import { resolveUser } from "../user.ts";
import type { UserFileReader } from "../user-files.ts";
import { type ViewDeps, withView } from "./container-view.ts";

export interface ArchiveDeps extends ViewDeps {
  readonly containers: Pick<ContainerStore, "get">;
  readonly events: Pick<EventBus, "publish">;
  readonly trees: Trees;
  readonly userFiles: Pick<UserFileReader, "read" | "readLive">;
}

export interface OpenArchive {
  readonly stat: PathStat;
  readonly chunks: AsyncIterable<Uint8Array>;
}

/** Throws `invalid` for an empty path, in Docker's words. */
export function checkPath(path: string): string {
  if (path === "") throw invalid("bad parameter: path cannot be empty");
  if (path.includes("\0")) throw invalid("bad parameter: path holds a NUL");
  return path;
}

/** The archive is to be read to its end, or the signal aborted. */
export async function openArchive(
  deps: ArchiveDeps,
  reference: string,
  path: string,
  signal: AbortSignal,
): Promise<OpenArchive> {
  const container = deps.containers.get(reference);
  const opened = await packFrom(deps, container, { reference, path }, signal);
  publishContainerEvent(deps.events, container, "archive-path");
  return opened;
}

export async function statPath(
  deps: ArchiveDeps,
  reference: string,
  path: string,
  signal: AbortSignal,
): Promise<PathStat> {
  const container = deps.containers.get(reference);
  const enough = new AbortController();
  const either = AbortSignal.any([signal, enough.signal]);
  const { stat } = await packFrom(deps, container, { reference, path }, either);
  enough.abort(new Error("the path is known"));
  return stat;
}

function packFrom(
  deps: ArchiveDeps,
  container: Container,
  { reference, path }: { readonly reference: string; readonly path: string },
  signal: AbortSignal,
): Promise<OpenArchive> {
  return withView(
    deps,
    { container, withMounts: true, writing: false },
    async (plan, release) => {
      const { stat, chunks } = await deps.trees.packPath(plan, path, signal).catch((error: unknown) => {
        throw describe(error, path, reference);
      });
      return { stat, chunks: releasing(chunks, { release, signal, report: deps.report }) };
    },
    signal,
  );
}

function describe(error: unknown, path: string, reference: string): unknown {
  if (error instanceof Error && isKind(error, "notFound"))
    return new EngineError("notFound", `Could not find the file ${path} in container ${reference}`, {
      cause: error,
    });
  return error;
}

export interface Extraction {
  /** A tar archive, compressed or not. */
  readonly body: AsyncIterable<Uint8Array>;
  readonly path: string;
  readonly noOverwriteDirNonDir: boolean;
  /** What is made belongs to the container's user. */
  readonly copyUidGid: boolean;
}

/** Unpacks the body into a directory of the container. A stopped one cannot be started meanwhile. */
export async function extractArchive(
  deps: ArchiveDeps,
  reference: string,
  extraction: Extraction,
  signal: AbortSignal,
): Promise<void> {
  const container = deps.containers.get(reference);
  using _held = hasProcess(container.state) ? undefined : await container.lock.acquire();
  const owner = extraction.copyUidGid ? await findOwner(deps, container, signal) : undefined;
  const request = {
    path: extraction.path,
    keepKinds: extraction.noOverwriteDirNonDir,
    refusals: refusalsOf(container),
    ...(owner !== undefined && { owner }),
  };
  await withView(
    deps,
    { container, withMounts: true, writing: true },
    async (plan, release) => {
      try {
        await deps.trees.unpack(plan, request, extraction.body, signal);
      } catch (error) {
        throw describeWrite(describe(error, extraction.path, reference));
      }
      await release();
    },
    signal,
  );
  publishContainerEvent(deps.events, container, "extract-to-dir");
}

/** A mount decides for what is below it; "" is: may be written. */
function refusalsOf({ record }: Container): readonly { readonly at: string; readonly message: string }[] {
  const rootfs = record.hostConfig.ReadonlyRootfs ? "container rootfs is marked read-only" : "";
  return [
    { at: "/", message: rootfs },
    ...record.mounts
      .filter(({ type }) => type !== "tmpfs")
      .map(({ destination, writable }) => ({
        at: destination,
        message: writable ? "" : "mounted volume is marked read-only",
      })),
  ];
}

function describeWrite(error: unknown): unknown {
  if (!(error instanceof PlanError)) return error;
  const words: Readonly<Record<string, string>> = {
    ENOSPC: "no space left on device",
    EDQUOT: "disk quota exceeded",
    EROFS: "read-only file system",
    EBUSY: "device or resource busy",
  };
  const said = words[error.code];
  return said === undefined ? error : systemError(`${error.why}: ${said}`, { cause: error });
}

async function findOwner(
  deps: ArchiveDeps,
  { id, record, state }: Container,
  signal: AbortSignal,
): Promise<{ readonly uid: number; readonly gid: number } | undefined> {
  if (record.config.User === "") return undefined;
  const files = hasProcess(state)
    ? await deps.userFiles.readLive(state.pid, signal)
    : await deps.userFiles.read(
        { mounts: await deps.snapshots.mounts(scope, id), target: deps.scratch, chainId: "" },
        signal,
      );
  const { uid, gid } = resolveUser(record.config.User, [], files);
  return { uid, gid };
}
