// Decides what each entry of a layer does to the tree below it. Pure: entries in, operations out.
//
// Names are cleaned and clamped at the root, as in a chroot; the executor resolves them with RESOLVE_IN_ROOT, so symlinks stay inside too.
// Whiteouts hide what LOWER layers have, never what this layer made. `.wh.x` and `.wh..wh..opq` nearly always come before the entries
// they must not touch; a layer where they come later is planned a second time with these `late` ones done first.

import type { TarEntry } from "#formats/tar-entry.ts";
import { TarError } from "#formats/tar-entry.ts";
import type { Attributes } from "#kernel/plan/ops.ts";
import type { TreeOp } from "#kernel/trees/write.ts";

const WHITEOUT = ".wh.";
const META = ".wh..wh.";
const OPAQUE = ".wh..wh..opq";
const S_IFCHR = 0o020000;
const S_IFBLK = 0o060000;
const S_IFIFO = 0o010000;
const ROOT = ".";

/** What must be hidden before the layer's first entry. */
export type Hidden = ReadonlyMap<string, "tree" | "content">;

export class LayerPlan {
  readonly #first: Hidden;
  readonly #late = new Map<string, "tree" | "content">();
  /** Every path that this layer made something at or below. */
  readonly #own = new Set<string>();
  /** Directories get their times last: what is made in them changes these. */
  readonly #directories = new Map<string, TarEntry["mtime"]>();

  constructor(first: Hidden = new Map()) {
    this.#first = first;
  }

  /** Whiteouts that came after entries they must not touch: if there are any, plan again with them as `first`. */
  get late(): Hidden {
    return this.#late;
  }

  begin(): readonly TreeOp[] {
    return [...this.#first].map(([path, what]) => this.#hide(path, what));
  }

  end(): readonly TreeOp[] {
    return [...this.#directories].map(([path, mtime]) => ({
      op: "setTimes",
      why: `layer: ${path}`,
      path,
      mtime,
    }));
  }

  /** No operation for content follows unless the result ends with a makeFile. */
  entry(entry: TarEntry): readonly TreeOp[] {
    const path = cleanPath(entry.name);
    const base = path.slice(path.lastIndexOf("/") + 1);
    if (base.startsWith(WHITEOUT)) return this.#whiteout(path, base);
    const op = this.#make(entry, path);
    this.#remember(path, entry);
    return [op];
  }

  #whiteout(path: string, base: string): readonly TreeOp[] {
    const directory = path === base ? ROOT : path.slice(0, -base.length - 1);
    if (base === OPAQUE) return this.#hideUnlessOwn(directory, "content", this.#ownsBelow(directory));
    if (base.startsWith(META)) return []; // aufs's own records
    const hidden = base.slice(WHITEOUT.length);
    if (hidden === "" || hidden === "." || hidden === "..")
      throw new TarError(`invalid whiteout name: ${JSON.stringify(path)}`);
    const target = directory === ROOT ? hidden : `${directory}/${hidden}`;
    return this.#hideUnlessOwn(target, "tree", this.#own.has(target));
  }

  #hideUnlessOwn(path: string, what: "tree" | "content", own: boolean): readonly TreeOp[] {
    if (this.#first.has(path)) return [];
    if (!own) return [this.#hide(path, what)];
    this.#late.set(path, what);
    return [];
  }

  #hide(path: string, what: "tree" | "content"): TreeOp {
    const common = { why: `layer: whiteout of ${path}`, path };
    return what === "content" ? { op: "clearDir", ...common } : { op: "removeTree", ...common };
  }

  #ownsBelow(directory: string): boolean {
    if (directory === ROOT) return this.#own.size > (this.#own.has(ROOT) ? 1 : 0);
    return this.#own.has(`${directory}/`);
  }

  #remember(path: string, entry: TarEntry): void {
    if (entry.type === "directory") this.#directories.set(path, entry.mtime);
    else if (this.#directories.delete(path)) this.#forgetBelow(path);
    this.#own.add(path);
    for (let slash = path.lastIndexOf("/"); slash > 0; slash = path.lastIndexOf("/", slash - 1)) {
      if (this.#own.has(path.slice(0, slash + 1))) break;
      this.#own.add(path.slice(0, slash + 1)); // "a/": something below a
      this.#own.add(path.slice(0, slash));
    }
  }

  /** A directory of this layer was replaced by something else. */
  #forgetBelow(path: string): void {
    for (const directory of this.#directories.keys())
      if (directory.startsWith(`${path}/`)) this.#directories.delete(directory);
  }

  #make(entry: TarEntry, path: string): TreeOp {
    if (path === ROOT && entry.type !== "directory")
      throw new TarError(`invalid layer entry: the root is not a directory but a ${entry.type}`);
    const common = { why: `layer: ${path}`, path };
    switch (entry.type) {
      case "file":
        return { op: "makeFile", ...common, attributes: attributesOf(entry), size: entry.size };
      case "directory":
        return { op: "makeDir", ...common, attributes: attributesOf(entry) };
      case "symlink":
        return { op: "makeSymlink", ...common, target: entry.linkName, attributes: attributesOf(entry) };
      case "hardlink":
        return { op: "makeHardlink", ...common, target: cleanPath(entry.linkName) };
      case "character":
        return this.#node(entry, common, S_IFCHR);
      case "block":
        return this.#node(entry, common, S_IFBLK);
      case "fifo":
        return this.#node(entry, common, S_IFIFO);
      default:
        return entry.type satisfies never;
    }
  }

  #node(entry: TarEntry, common: { why: string; path: string }, type: number): TreeOp {
    // 0:0 is how overlay file systems mark a whiteout: a layer must not forge one.
    if (type === S_IFCHR && entry.major === 0 && entry.minor === 0)
      throw new TarError(`invalid layer entry: ${common.path} is a character device 0:0`);
    const attributes = attributesOf(entry, type);
    return { op: "makeNode", ...common, attributes, major: entry.major, minor: entry.minor };
  }
}

function attributesOf(entry: TarEntry, type = 0): Attributes {
  return {
    mode: entry.mode | type,
    uid: entry.uid,
    gid: entry.gid,
    mtime: entry.mtime,
    xattrs: entry.xattrs.filter(({ name }) => !isOverlayRecord(name)),
  };
}

/** Overlay's own records (opaque, redirect, metacopy) would make the kernel look elsewhere: never taken from a layer. */
const isOverlayRecord = (name: string): boolean => /^(?:trusted|user)\.overlay\./.test(name);

/** "./a//b/../c" -> "a/c"; ".." at the root stays there; the root is ".". */
export function cleanPath(name: string): string {
  const parts: string[] = [];
  for (const part of name.split("/")) {
    if (part === "..") parts.pop();
    else if (part !== "" && part !== ".") parts.push(part);
  }
  return parts.length === 0 ? ROOT : parts.join("/");
}
