// Unpacks a tar archive from a container onto this machine. What is in it is the container's word: no entry leaves the directory, neither by its
// name nor through a symlink, whether one that the archive brought or one that was there.

import { constants } from "node:fs";
import type { FileHandle } from "node:fs/promises";
import { chmod, link, lstat, lutimes, mkdir, open, rm, symlink, utimes } from "node:fs/promises";
import { dirname, join } from "node:path";
import { type TarEntry, TarError } from "#formats/tar-entry.ts";
import { TarReader } from "#formats/tar-reader.ts";
import { type CopyPlan, renameEntry } from "./copy-plan.ts";

export interface UnpackOptions extends CopyPlan {
  readonly onBytes: (count: number) => void;
}

export async function unpackFiles(chunks: AsyncIterable<Uint8Array>, options: UnpackOptions): Promise<void> {
  const reader = new TarReader();
  await using target = new Target(options);
  for await (const chunk of chunks) {
    options.onBytes(chunk.length);
    for (const event of reader.push(Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength)))
      if (event.kind === "entry") await target.entry(event.entry);
      else if (event.kind === "data") await target.content(event.data);
      else target.hole(event.length);
  }
  reader.finish();
  await target.finish();
}

class Target {
  readonly #options: UnpackOptions;
  /** Directories that were seen to be ones. */
  readonly #known = new Set<string>([""]);
  readonly #directories: { readonly path: string; readonly entry: TarEntry }[] = [];
  /** `at`: where its next byte goes. */
  #file: { readonly handle: FileHandle; readonly entry: TarEntry; at: number } | undefined;

  constructor(options: UnpackOptions) {
    this.#options = options;
  }

  async entry(entry: TarEntry): Promise<void> {
    await this.#closeFile();
    const name = this.#place(renameEntry(entry.name.replace(/\/+$/, "") || "/", this.#options.rename));
    if (name === "") return;
    const path = join(this.#options.directory, name);
    await this.#checkParents(name);
    await this.#makeRoom(entry, name, path);
    await this.#make(entry, name, path);
  }

  async content(data: Buffer): Promise<void> {
    const file = this.#file;
    if (file === undefined) return;
    for (let at = 0; at < data.length; ) {
      const { bytesWritten } = await file.handle.write(data, at, data.length - at, file.at + at);
      at += bytesWritten;
    }
    file.at += data.length;
  }

  hole(length: number): void {
    if (this.#file !== undefined) this.#file.at += length;
  }

  async finish(): Promise<void> {
    await this.#closeFile();
    for (const { path, entry } of this.#directories.toReversed()) {
      await chmod(path, entry.mode);
      await utimes(path, secondsOf(entry), secondsOf(entry));
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#file?.handle.close();
  }

  /** "./a//b" -> "a/b"; "" is the directory itself. Throws for what leads out. */
  #place(name: string): string {
    const parts: string[] = [];
    for (const part of name.split("/")) {
      if (part === "" || part === ".") continue;
      if (part === "..")
        throw new TarError(
          `${JSON.stringify(name)} is outside of ${JSON.stringify(this.#options.directory)}`,
        );
      parts.push(part);
    }
    return parts.join("/");
  }

  /** Missing ones are made; a symlink among them is refused. */
  async #checkParents(name: string): Promise<void> {
    for (let slash = name.indexOf("/"); slash >= 0; slash = name.indexOf("/", slash + 1)) {
      const parent = name.slice(0, slash);
      if (this.#known.has(parent)) continue;
      const path = join(this.#options.directory, parent);
      const found = await lstat(path).catch(() => undefined);
      if (found === undefined) await mkdir(path);
      else if (!found.isDirectory())
        throw new TarError(
          `refusing to write ${JSON.stringify(name)} through ${JSON.stringify(path)}, which is no directory`,
        );
      this.#known.add(parent);
    }
  }

  /** A directory never replaces something else, nor the other way round. */
  async #makeRoom(entry: TarEntry, name: string, path: string): Promise<void> {
    const found = await lstat(path).catch(() => undefined);
    if (found === undefined) return;
    const wanted = entry.type === "directory";
    const [at, into] = [JSON.stringify(path), JSON.stringify(this.#options.directory)];
    if (found.isDirectory() && !wanted)
      throw new TarError(`cannot overwrite directory ${at} with non-directory ${into}`);
    if (!found.isDirectory() && wanted)
      throw new TarError(`cannot overwrite non-directory ${at} with directory ${into}`);
    this.#known.delete(name);
    if (!wanted) await rm(path);
  }

  async #make(entry: TarEntry, name: string, path: string): Promise<void> {
    switch (entry.type) {
      case "directory":
        await mkdir(path, { recursive: true, mode: 0o700 });
        this.#known.add(name);
        this.#directories.push({ path, entry });
        return;
      case "file": {
        const flags = constants.O_CREAT | constants.O_EXCL | constants.O_WRONLY | constants.O_NOFOLLOW;
        this.#file = { handle: await open(path, flags, 0o600), entry, at: 0 };
        return;
      }
      case "symlink":
        this.#checkSymlink(entry, path);
        await symlink(entry.linkName, path);
        await lutimes(path, secondsOf(entry), secondsOf(entry));
        return;
      case "hardlink": {
        const target = this.#place(renameEntry(entry.linkName, this.#options.rename));
        await this.#checkParents(target);
        await link(join(this.#options.directory, target), path);
        return;
      }
      default:
        throw new TarError(`${path}: a ${entry.type} device or FIFO cannot be made here`);
    }
  }

  /** As Docker's client reads it: an absolute target counts from the link's folder. */
  #checkSymlink({ linkName }: TarEntry, path: string): void {
    const { directory } = this.#options;
    const target = join(dirname(path), linkName);
    if (!target.startsWith(directory))
      throw new TarError(`invalid symlink ${JSON.stringify(path)} -> ${JSON.stringify(linkName)}`);
  }

  async #closeFile(): Promise<void> {
    const file = this.#file;
    this.#file = undefined;
    if (file === undefined) return;
    await using handle = file.handle;
    await handle.truncate(file.at); // with the hole at its end
    await handle.chmod(file.entry.mode);
    await handle.utimes(secondsOf(file.entry), secondsOf(file.entry));
  }
}

const secondsOf = ({ mtime }: TarEntry): number => mtime.sec + mtime.nsec / 1e9;
