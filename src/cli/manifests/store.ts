// Manifest lists that are being made, where Docker's clients keep them: a folder for each list, a file for each manifest,
// below "manifests" beside the configuration file.

import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { codeOf } from "#client/api-error.ts";
import { formatReference, type Reference } from "#formats/reference.ts";
import { decodeImageManifest, encodeImageManifest, type ImageManifest } from "./image-manifest.ts";

const fileName = (reference: Reference): string =>
  formatReference(reference).replaceAll(":", "-").replaceAll("/", "_");

function orUndefined<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch (error) {
    if (codeOf(error) === "ENOENT") return undefined;
    throw error;
  }
}

export class ManifestStore {
  readonly #root: string;

  /** `configFolder`: of the user's configuration file. */
  constructor(configFolder: string) {
    this.#root = join(configFolder, "manifests");
  }

  find(list: Reference, image: Reference): ImageManifest | undefined {
    const path = join(this.#root, fileName(list), fileName(image));
    const text = orUndefined(() => readFileSync(path, "utf8"));
    return text === undefined ? undefined : decodeImageManifest(text);
  }

  /** Throws an Error in Docker's words. */
  get(list: Reference, image: Reference): ImageManifest {
    const found = this.find(list, image);
    if (found === undefined) throw noSuchManifest(image);
    return found;
  }

  /** In the order of their files' names. */
  findList(list: Reference): readonly ImageManifest[] | undefined {
    const folder = join(this.#root, fileName(list));
    const names = orUndefined(() => readdirSync(folder).sort());
    return names?.map((name) => decodeImageManifest(readFileSync(join(folder, name), "utf8")));
  }

  /** Throws an Error in Docker's words. */
  getList(list: Reference): readonly ImageManifest[] {
    const found = this.findList(list);
    if (found === undefined) throw noSuchManifest(list);
    return found;
  }

  save(list: Reference, image: Reference, manifest: ImageManifest): void {
    const folder = join(this.#root, fileName(list));
    mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, fileName(image)), encodeImageManifest(manifest));
  }

  remove(list: Reference): void {
    rmSync(join(this.#root, fileName(list)), { recursive: true, force: true });
  }
}

const noSuchManifest = (reference: Reference): Error =>
  new Error(`No such manifest: ${formatReference(reference)}`);
