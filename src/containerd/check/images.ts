// Whether what an image name stands for is all there: the manifest, its configuration, its layers, and the snapshots they were unpacked to.

import { readFileSync } from "node:fs";
import { EngineError } from "#base/errors.ts";
import { type Descriptor, isIndexType } from "#spec/oci-image.ts";
import { decodeDescriptor } from "../descriptor.ts";
import { referencesOf } from "../gc/references.ts";
import { decodeConfig } from "../registry/image-config.ts";
import { MAX_INDEX_DEPTH, parseManifestDocument } from "../registry/manifest.ts";
import { type Row, readLabels, readText } from "../rows.ts";
import type { Ill, LocalCheckDeps } from "./local.ts";

/** One row of the images. A name is never taken away: what is missing can be pulled or loaded again. */
export function checkImages(deps: LocalCheckDeps, row: Row): readonly Ill[] {
  const namespace = readText(row, "namespace");
  const target = decodeDescriptor(JSON.parse(readText(row, "target")), "target");
  const problem = judge({ ...deps, namespace }, target, 0);
  if (problem === undefined) return [];
  return [
    { kind: "image", namespace, name: readText(row, "name"), problem: `${problem}; pull or load it again` },
  ];
}

type Place = LocalCheckDeps & { readonly namespace: string };

const findBlob = ({ database, namespace }: Place, digest: string): Row | undefined =>
  database.prepare("SELECT labels FROM blobs WHERE namespace = ? AND digest = ?").get(namespace, digest);

/** Undefined if it is whole. Of an index one platform must be. */
function judge(place: Place, target: Descriptor, depth: number): string | undefined {
  const { digest, mediaType } = target;
  if (findBlob(place, digest) === undefined) return `its manifest ${digest} is missing`;
  try {
    const document = parseManifestDocument(readFileSync(place.contentFiles.blob(digest)), mediaType);
    if (document.kind === "manifest") {
      const { config, layers } = document.manifest;
      const lost = [config, ...layers].find((part) => findBlob(place, part.digest) === undefined);
      return lost === undefined
        ? judgeSnapshot(place, config.digest)
        : `its content ${lost.digest} is missing`;
    }
    if (depth === MAX_INDEX_DEPTH) return "its indexes are nested too deep";
    const here = document.index.manifests.filter((one) => findBlob(place, one.digest) !== undefined);
    const problems = here.map((one) => judge(place, one, depth + 1));
    if (problems.includes(undefined)) return undefined;
    return problems[0] ?? `no manifest of its index ${digest} is there`;
  } catch (error) {
    // A file that is missing or damaged is a finding about the blob.
    if (isIndexType(mediaType) || !(error instanceof EngineError)) return `${digest} cannot be read`;
    return undefined; // another program's, in a form of its own
  }
}

/** Images of other programs may not be unpacked; those that are must have their snapshot. */
function judgeSnapshot(place: Place, config: string): string | undefined {
  const row = findBlob(place, config);
  const references = row === undefined ? [] : referencesOf(readLabels(row), place.snapshotter);
  const find = place.database.prepare("SELECT 1 FROM snapshots WHERE namespace = ? AND key = ?");
  const lost = references.find(
    ({ type, key }) => type === "snapshot" && find.get(place.namespace, key) === undefined,
  );
  if (lost !== undefined) return `its snapshot ${lost.key} is missing`;
  decodeConfig(readFileSync(place.contentFiles.blob(config)));
  return undefined;
}
