// Images as the API's versions show them.

import { ZERO_TIME } from "#base/clock.ts";
import type { ListedImage } from "#engine/images/list.ts";
import { type LocalImage, labelsOf, repoDigests, repoTags } from "#engine/images/local-image.ts";
import { type ImageManifest, platformOf } from "#engine/images/manifests.ts";
import { TAGGED_AT } from "#engine/images/names.ts";
import type { ImageDefaults } from "#spec/oci-image.ts";

export interface ImageRow extends ListedImage {
  /** -1: not computed. */
  readonly sharedSize: number;
  /** -1: not counted. */
  readonly containers: number;
  /** If they were asked for. */
  readonly manifests?: readonly ManifestRow[];
}

export function encodeImageSummary(row: ImageRow, minor: number): Readonly<Record<string, unknown>> {
  const { image, created, size, sharedSize, containers } = row;
  const old = minor < 43;
  const labels = labelsOf(image);
  return {
    Containers: containers,
    Created: created,
    Id: image.id,
    Labels: Object.keys(labels).length === 0 ? null : labels,
    ParentId: image.config.parent ?? "",
    RepoDigests: old ? orNone(row.repoDigests, row.repoTags, "<none>@<none>") : row.repoDigests,
    RepoTags: old ? orNone(row.repoTags, row.repoDigests, "<none>:<none>") : row.repoTags,
    SharedSize: sharedSize,
    Size: size,
    ...(minor < 44 && { VirtualSize: size }),
    ...(minor >= 48 && { Descriptor: image.records[0]?.target ?? image.manifest }),
    ...(row.manifests !== undefined && { Manifests: row.manifests.map(encodeManifest) }),
  };
}

/** A manifest, and what its image takes. */
export interface ManifestRow {
  readonly manifest: ImageManifest;
  /** Bytes of the unpacked layers. */
  readonly unpackedSize: number;
  /** Ids of the containers made of it. */
  readonly containers: readonly string[];
  /** Repositories that it was pulled from, if they are to be told. */
  readonly sources: readonly string[];
}

function encodeManifest({
  manifest,
  unpackedSize,
  containers,
  sources,
}: ManifestRow): Readonly<Record<string, unknown>> {
  const { descriptor, kind, available, contentSize, content, attests } = manifest;
  const platform = content === undefined ? descriptor.platform : platformOf(content);
  return {
    ID: descriptor.digest,
    Descriptor: descriptor,
    Available: available,
    Size: { Content: contentSize, Total: contentSize + unpackedSize },
    Kind: kind,
    ...(kind === "image" && {
      ImageData: {
        Platform: platform ?? { architecture: "", os: "" },
        Containers: containers,
        Size: { Unpacked: unpackedSize },
        ...(content !== undefined && encodeIdentity(sources)),
      },
    }),
    ...(attests !== undefined && { AttestationData: { For: attests } }),
  };
}

export const encodeIdentity = (sources: readonly string[]): Readonly<Record<string, unknown>> =>
  sources.length === 0 ? {} : { Identity: { Pull: sources.map((Repository) => ({ Repository })) } };

/** A nameless image shows as such; one with only the other kind of name shows that. */
const orNone = (
  names: readonly string[],
  others: readonly string[],
  none: string,
): readonly string[] | null => (names.length > 0 ? names : others.length > 0 ? null : [none]);

/** `manifests`: if they were asked for. */
export function encodeImageInspect(
  image: LocalImage,
  {
    size,
    snapshotter,
    manifests,
  }: {
    readonly size: number;
    readonly snapshotter: string;
    readonly manifests?: readonly ManifestRow[];
  },
  minor: number,
): Readonly<Record<string, unknown>> {
  const { config } = image;
  const tagged = image.records.map(({ labels }) => labels[TAGGED_AT] ?? "").sort();
  return {
    Id: image.id,
    ...(minor >= 48 && { Descriptor: image.records[0]?.target ?? image.manifest }),
    ...(manifests !== undefined && { Manifests: manifests.map(encodeManifest) }),
    RepoTags: repoTags(image),
    RepoDigests: repoDigests(image),
    ...encodeOrigin(config, minor),
    Config: encodeConfig(config.config ?? {}, minor),
    Architecture: config.architecture ?? "",
    ...(config.variant !== undefined && { Variant: config.variant }),
    Os: config.os ?? "linux",
    ...(config["os.version"] !== undefined && { OsVersion: config["os.version"] }),
    Size: size,
    ...(minor < 44 && { VirtualSize: size }),
    ...(minor < 52 && { GraphDriver: { Data: null, Name: snapshotter } }),
    RootFS: { Type: "layers", Layers: config.rootfs.diff_ids },
    Metadata: { LastTagTime: tagged.at(-1) || ZERO_TIME },
  };
}

type Config = LocalImage["config"];

/** Who made it, when, of what. From API 1.52 on only what is known. */
function encodeOrigin(config: Config, minor: number): Readonly<Record<string, unknown>> {
  const { comment, created, author } = config;
  if (minor >= 52)
    return {
      ...(comment !== undefined && { Comment: comment }),
      ...(created !== undefined && { Created: created }),
      ...(author !== undefined && { Author: author }),
    };
  const createdBefore =
    minor < 44 ? { Created: created ?? ZERO_TIME } : created !== undefined && { Created: created };
  return {
    Parent: config.parent ?? "",
    Comment: comment ?? config.history?.at(-1)?.comment ?? "",
    ...createdBefore,
    ...(minor < 45 && { Container: config.container ?? "", ContainerConfig: encodeConfig({}, minor) }),
    DockerVersion: config.docker_version ?? "",
    Author: author ?? "",
  };
}

/** In Docker's order, with what an empty field holds and the minor version that leaves it out. */
const configFields: readonly (readonly [name: string, empty?: unknown, until?: number])[] = [
  ...([
    ["Hostname", "", 50],
    ["Domainname", "", 50],
    ["User", "", 52],
  ] as const),
  ...([
    ["AttachStdin", false, 50],
    ["AttachStdout", false, 50],
    ["AttachStderr", false, 50],
  ] as const),
  ...([["ExposedPorts"], ["Tty", false, 50], ["OpenStdin", false, 50], ["StdinOnce", false, 50]] as const),
  ...([["Env", null, 52], ["Cmd", null, 52], ["Healthcheck"], ["ArgsEscaped"], ["Image", "", 50]] as const),
  ...([
    ["Volumes", null, 52],
    ["WorkingDir", "", 52],
    ["Entrypoint", null, 52],
  ] as const),
  ...([["OnBuild", null, 52], ["Labels", null, 52], ["StopSignal"], ["Shell"]] as const),
];

function encodeConfig(config: ImageDefaults, minor: number): Readonly<Record<string, unknown>> {
  const values: Readonly<Record<string, unknown>> = config;
  const shown = configFields.map(
    ([name, empty, until = 0]) => [name, values[name] ?? (minor < until ? empty : undefined)] as const,
  );
  return Object.fromEntries(shown.filter(([, value]) => value !== undefined));
}
