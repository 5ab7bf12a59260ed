// Where a copy goes and what its entries are called there: Docker's rules for SRC and DEST, which are those of cp -a. Pure.

import { posix } from "node:path";

export interface CopySource {
  /** As asked for, with a slash or "/." at the end if the user wrote one. */
  readonly path: string;
  readonly isDirectory: boolean;
  /** What the first component of its entries is called. */
  readonly name: string;
}

export interface CopyTarget {
  readonly path: string;
  readonly exists: boolean;
  readonly isDirectory: boolean;
}

export interface CopyPlan {
  /** The directory to unpack into. */
  readonly directory: string;
  /** The first component of each entry is renamed. */
  readonly rename?: { readonly from: string; readonly to: string };
}

/** Throws in Docker's words. */
export function planCopy(source: CopySource, target: CopyTarget): CopyPlan {
  if (target.exists && target.isDirectory) return { directory: target.path };
  if (target.exists && source.isDirectory) throw new Error("cannot copy directory");
  if (!target.exists && !source.isDirectory && endsAsDirectory(target.path))
    throw new Error("no such directory");
  const { directory, base } = splitPath(target.path);
  return { directory, rename: { from: source.name, to: base } };
}

/** "x/" and "x/." can be a directory only. */
export const endsAsDirectory = (path: string): boolean => /(^|\/)\.?$/.test(path) && path !== "";

export function splitPath(path: string): { readonly directory: string; readonly base: string } {
  const clean = posix.normalize(path).replace(/(?<=.)\/$/, "");
  return { directory: posix.dirname(clean), base: posix.basename(clean) };
}

/** Entries of "x/." are called "./…", those of "x" and "x/" "x/…". */
export const sourceName = (path: string): string => {
  if (/(^|\/)\.$/.test(path)) return ".";
  const { base } = splitPath(path);
  return base === "" ? "/" : base;
};

/** The entry's name with its first component exchanged. */
export function renameEntry(name: string, rename: CopyPlan["rename"]): string {
  if (rename === undefined) return name;
  const { from, to } = rename;
  if (from === "/") return to + (name.startsWith("/") ? name : `/${name}`);
  return name === from || name.startsWith(`${from}/`) ? to + name.slice(from.length) : name;
}

export type Side = { readonly container: string; readonly path: string } | { readonly path: string };

/** "CONTAINER:PATH", or a path of this machine: absolute, beginning with a dot, or without a colon. */
export function parseSide(argument: string): Side {
  if (argument.startsWith("/") || argument.startsWith(".")) return { path: argument };
  const colon = argument.indexOf(":");
  if (colon < 0) return { path: argument };
  return { container: argument.slice(0, colon), path: argument.slice(colon + 1) };
}
