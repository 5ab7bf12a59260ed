// Decides what each entry of an archive does to a directory that it is copied into, by Docker's rules. Pure: entries in, operations out.
// Names are checked here because Docker refuses those that lead out; that none does is the kernel's work, which resolves within the root.

import { EngineError, systemError } from "#base/errors.ts";
import type { TarEntry } from "#formats/tar-entry.ts";
import type { Attributes } from "#kernel/plan/ops.ts";
import { fileTypes } from "#kernel/trees/record.ts";
import type { TreeOp } from "#kernel/trees/write.ts";

export interface CopyRules {
  /** Where the archive goes, absolute and without symlinks. */
  readonly directory: string;
  /** The directory gets the attributes that the archive has for it; else it stays as it is. */
  readonly takesTop?: boolean;
  /** A directory never replaces something else, nor the other way round. */
  readonly keepKinds: boolean;
  /** Of everything; else as the archive says. */
  readonly owner?: { readonly uid: number; readonly gid: number };
}

export class CopyPlan {
  readonly #rules: CopyRules;
  /** Directories get their times last: what is made in them changes these. */
  readonly #directories = new Map<string, TarEntry["mtime"]>();

  constructor(rules: CopyRules) {
    this.#rules = rules;
  }

  /** Content follows if the last operation is a makeFile. */
  entry(entry: TarEntry): readonly TreeOp[] {
    const path = this.#place(entry.name, entry.name);
    const isTop = path === this.#rules.directory && entry.type === "directory";
    if (isTop && this.#rules.takesTop !== true) return [];
    const { keepKinds } = this.#rules;
    const op = this.#make(entry, path);
    if (entry.type === "directory") this.#directories.set(path, entry.mtime);
    else this.#directories.delete(path);
    if (!keepKinds) return [op];
    return [{ op: "checkKind", why: path, path, directory: entry.type === "directory" }, op];
  }

  end(): readonly TreeOp[] {
    return [...this.#directories].map(([path, mtime]) => ({ op: "setTimes", why: path, path, mtime }));
  }

  #place(name: string, shown: string): string {
    const path = joinClean(this.#rules.directory, name);
    if (!isBelow(path, this.#rules.directory))
      throw systemError(`${JSON.stringify(shown)} is outside of ${JSON.stringify(this.#rules.directory)}`);
    return path;
  }

  #make(entry: TarEntry, path: string): TreeOp {
    const common = { why: path, path };
    const attributes = this.#attributes(entry);
    switch (entry.type) {
      case "file":
        return { op: "makeFile", ...common, attributes, size: entry.size };
      case "directory":
        return { op: "makeDir", ...common, attributes };
      case "symlink":
        this.#checkSymlink(entry, path);
        return { op: "makeSymlink", ...common, target: entry.linkName, attributes };
      case "hardlink":
        return { op: "makeHardlink", ...common, target: this.#linked(entry) };
      case "character":
        return this.#node(entry, common, fileTypes.character);
      case "block":
        return this.#node(entry, common, fileTypes.block);
      case "fifo":
        return this.#node(entry, common, fileTypes.fifo);
      default:
        return entry.type satisfies never;
    }
  }

  #linked({ linkName }: TarEntry): string {
    const target = joinClean(this.#rules.directory, linkName);
    if (isBelow(target, this.#rules.directory)) return target;
    throw systemError(
      `invalid hardlink ${JSON.stringify(`${this.#rules.directory}/${linkName}`)} -> ${JSON.stringify(linkName)}`,
    );
  }

  /** As Docker reads it: an absolute target counts from the link's directory, too. */
  #checkSymlink({ linkName }: TarEntry, path: string): void {
    const target = joinClean(path.slice(0, path.lastIndexOf("/")) || "/", linkName);
    if (!target.startsWith(this.#rules.directory))
      throw systemError(`invalid symlink ${JSON.stringify(path)} -> ${JSON.stringify(linkName)}`);
  }

  #node(entry: TarEntry, common: { why: string; path: string }, type: number): TreeOp {
    const { major, minor } = entry;
    if (type === fileTypes.character && major === 0 && minor === 0)
      throw new EngineError("invalid", `${common.path} is a character device 0:0`);
    return { op: "makeNode", ...common, attributes: this.#attributes(entry, type), major, minor };
  }

  #attributes(entry: TarEntry, type = 0): Attributes {
    return {
      mode: entry.mode | type,
      uid: this.#rules.owner?.uid ?? entry.uid,
      gid: this.#rules.owner?.gid ?? entry.gid,
      mtime: entry.mtime,
      xattrs: entry.xattrs.filter(({ name }) => !/^(?:trusted|user)\.overlay\./.test(name)),
    };
  }
}

/** Like Go's filepath.Join: an absolute name counts from the directory. */
function joinClean(directory: string, name: string): string {
  const parts: string[] = [];
  for (const part of `${directory}/${name}`.split("/")) {
    if (part === "..") parts.pop();
    else if (part !== "" && part !== ".") parts.push(part);
  }
  return `/${parts.join("/")}`;
}

const isBelow = (path: string, directory: string): boolean =>
  directory === "/" || path === directory || path.startsWith(`${directory}/`);

/** What the executor refused, in Docker's words; undefined for what has no other. */
export function describeKindFailure(code: string, path: string, rules: CopyRules): EngineError | undefined {
  const [at, directory] = [JSON.stringify(path), JSON.stringify(rules.directory)];
  if (code === "EISDIR")
    return systemError(`cannot overwrite directory ${at} with non-directory ${directory}`);
  if (code === "ENOTDIR")
    return systemError(`cannot overwrite non-directory ${at} with directory ${directory}`);
  return undefined;
}
