// The images of the engine: names from the image store, contents read once and remembered.

import { EngineError, invalid, isKind, notFound } from "#base/errors.ts";
import type { ContentStore } from "#containerd/content/content.ts";
import type { ImageRecord, ImageStore } from "#containerd/images/images.ts";
import { decodeConfig } from "#containerd/registry/image-config.ts";
import {
  MAX_CONFIG,
  MAX_INDEX_DEPTH,
  MAX_MANIFEST,
  parseManifestDocument,
} from "#containerd/registry/manifest.ts";
import { readDocument } from "#containerd/registry/store-document.ts";
import { chainIds } from "#containerd/registry/unpack-chain.ts";
import type { Scope } from "#containerd/scope.ts";
import {
  familiarReference,
  formatReference,
  parseAnyReference,
  type Reference,
  withDefaultTag,
} from "#formats/reference.ts";
import type { Descriptor } from "#spec/oci-image.ts";
import { formatPlatform, hostPlatform, platformDistance } from "#spec/platform.ts";
import { type ImageContent, type LocalImage, type NamedRecord, nameOf } from "./local-image.ts";

export interface CatalogDeps {
  readonly content: Pick<ContentStore, "info" | "read">;
  readonly images: ImageStore;
  readonly scope: Scope;
}

/** An image, and the name it was found by; none if that was an id. */
export interface Found {
  readonly image: LocalImage;
  readonly name?: NamedRecord;
}

export class ImageCatalog {
  readonly #deps: CatalogDeps;
  readonly #contents = new Map<string, ImageContent>();

  constructor(deps: CatalogDeps) {
    this.#deps = deps;
  }

  /** Every image once, whatever it is called. Images with content missing are left out. */
  async list(): Promise<readonly LocalImage[]> {
    const { images, scope } = this.#deps;
    const records = await images.list(scope, []);
    const contents = await Promise.all(records.map((record) => this.#find(record.target)));
    const groups = new Map<string, { content: ImageContent; records: ImageRecord[] }>();
    for (const [index, record] of records.entries()) {
      const content = contents[index];
      if (content === undefined) continue;
      const group = groups.get(content.id);
      if (group === undefined) groups.set(content.id, { content, records: [record] });
      else group.records.push(record);
    }
    this.#forgetAllBut(new Set(records.map(({ target }) => target.digest)));
    return [...groups.values()].map(({ content, records: own }) => withNames(content, own));
  }

  /** By name, id, digest or the beginning of an id. Rejects notFound "No such image: …". */
  async get(text: string): Promise<Found> {
    const found = await this.find(text);
    if (found === undefined) throw notFound("image", displayName(text));
    return found;
  }

  async find(text: string): Promise<Found | undefined> {
    const all = await this.list();
    return findByName(all, text) ?? findById(all, text);
  }

  /** The content of a name's target, without looking at any other image: the path that every container start takes. */
  async contentOf(reference: Reference): Promise<ImageContent | undefined> {
    try {
      const { images, scope } = this.#deps;
      const record = await images.get(scope, formatReference(withDefaultTag(reference)));
      return await this.content(record.target);
    } catch (error) {
      if (isKind(error, "notFound")) return undefined;
      throw error;
    }
  }

  /** Of an index the best for this machine, or any. Rejects notFound if something is missing from the content store. */
  async content(target: Descriptor, depth = 0): Promise<ImageContent> {
    const known = this.#contents.get(target.digest);
    if (known !== undefined) return known;
    const content = await this.#read(target, depth);
    this.#contents.set(target.digest, content);
    return content;
  }

  /** What is below an index may have changed: it is read again. */
  forget(target: Descriptor): void {
    this.#contents.delete(target.digest);
  }

  async #find(target: Descriptor, depth = 0): Promise<ImageContent | undefined> {
    try {
      return await this.content(target, depth);
    } catch (error) {
      if (error instanceof EngineError) return undefined;
      throw error;
    }
  }

  async #read(target: Descriptor, depth: number): Promise<ImageContent> {
    const { content, scope } = this.#deps;
    const bytes = await readDocument(content, scope, target.digest, MAX_MANIFEST);
    const document = parseManifestDocument(bytes, target.mediaType);
    if (document.kind === "index") return await this.#choose(document.index.manifests, depth);
    const { manifest } = document;
    const config = decodeConfig(await readDocument(content, scope, manifest.config.digest, MAX_CONFIG));
    return {
      id: manifest.config.digest,
      manifest: target,
      layers: manifest.layers,
      config,
      chainIds: chainIds(config.rootfs.diff_ids),
      others: [],
    };
  }

  async #choose(manifests: readonly Descriptor[], depth: number): Promise<ImageContent> {
    if (depth === MAX_INDEX_DEPTH) throw invalid("invalid manifest: indexes are nested too deep");
    const wanted = hostPlatform();
    const rank = ({ platform }: Descriptor): number =>
      (platform === undefined ? undefined : platformDistance(wanted, platform)) ?? 1000;
    const unique = new Map(manifests.map((manifest) => [manifest.digest, manifest]));
    const ranked = [...unique.values()].sort((left, right) => rank(left) - rank(right));
    const found = await Promise.all(ranked.map((manifest) => this.#find(manifest, depth + 1)));
    const [best, ...others] = found.filter((content) => content !== undefined);
    if (best === undefined)
      throw new EngineError("notFound", `no manifest for ${formatPlatform(wanted)}: not found`);
    return { ...best, others: [...best.others, ...others] };
  }

  #forgetAllBut(targets: ReadonlySet<string>): void {
    for (const key of this.#contents.keys()) if (!targets.has(key)) this.#contents.delete(key);
  }
}

function withNames(content: ImageContent, records: readonly ImageRecord[]): LocalImage {
  const names = records
    .map(nameOf)
    .filter((name) => name !== undefined)
    .sort((left, right) => (left.record.name < right.record.name ? -1 : 1));
  return { ...content, records, names };
}

/** The image as each of its platforms shows it. */
function platformsOf(image: LocalImage): readonly LocalImage[] {
  const all: readonly ImageContent[] = [image, ...image.others];
  return all.map((content) => ({ ...image, ...content, others: all.filter((other) => other !== content) }));
}

function findByName(images: readonly LocalImage[], text: string): Found | undefined {
  const parsed = parseAnyReference(text);
  if (parsed.kind === "id") {
    const image = images
      .flatMap(platformsOf)
      .find(
        ({ id, manifest, records }) =>
          [id, manifest.digest].includes(parsed.digest) ||
          records.some(({ target }) => target.digest === parsed.digest),
      );
    return image === undefined ? undefined : { image };
  }
  const wanted = withDefaultTag(parsed.reference);
  for (const image of images)
    for (const name of image.names) if (sameName(name.reference, wanted)) return { image, name };
  return undefined;
}

/** With a digest the tag does not matter. */
const sameName = (left: Reference, right: Reference): boolean =>
  left.domain === right.domain &&
  left.path === right.path &&
  left.digest === right.digest &&
  (left.digest !== undefined || left.tag === right.tag);

/** The beginning of exactly one id. */
function findById(images: readonly LocalImage[], text: string): Found | undefined {
  const prefix = /^(?:sha256:)?([a-f0-9]{1,64})$/.exec(text)?.[1];
  if (prefix === undefined) return undefined;
  const matching = images.flatMap(platformsOf).filter(({ id }) => id.startsWith(`sha256:${prefix}`));
  const [image] = matching;
  return image === undefined || matching.length > 1 ? undefined : { image };
}

/** As Docker names it in errors: with the default tag. */
function displayName(text: string): string {
  const parsed = parseAnyReference(text);
  return parsed.kind === "id" ? text : familiarReference(withDefaultTag(parsed.reference));
}
