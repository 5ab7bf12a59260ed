// The OCI image specification's documents (and Docker's equivalents), as we read and write them.

import {
  array,
  boolean,
  type Decoded,
  type Decoder,
  integer,
  object,
  record,
  string,
  unknown,
} from "#base/decode.ts";

export interface Descriptor {
  readonly mediaType: string;
  readonly digest: string;
  readonly size: number;
  readonly urls?: readonly string[];
  readonly annotations?: Readonly<Record<string, string>>;
  readonly platform?: Platform;
}

export interface Platform {
  readonly architecture: string;
  readonly os: string;
  readonly "os.version"?: string;
  readonly "os.features"?: readonly string[];
  readonly variant?: string;
}

export const mediaTypes = {
  ociIndex: "application/vnd.oci.image.index.v1+json",
  ociManifest: "application/vnd.oci.image.manifest.v1+json",
  ociConfig: "application/vnd.oci.image.config.v1+json",
  dockerList: "application/vnd.docker.distribution.manifest.list.v2+json",
  dockerManifest: "application/vnd.docker.distribution.manifest.v2+json",
  dockerConfig: "application/vnd.docker.container.image.v1+json",
  dockerSchema1: "application/vnd.docker.distribution.manifest.v1+json",
  dockerSchema1Signed: "application/vnd.docker.distribution.manifest.v1+prettyjws",
  ociLayer: "application/vnd.oci.image.layer.v1.tar",
  dockerLayer: "application/vnd.docker.image.rootfs.diff.tar",
  dockerLayerGzip: "application/vnd.docker.image.rootfs.diff.tar.gzip",
} as const;

export const isIndexType = (mediaType: string): boolean =>
  mediaType === mediaTypes.ociIndex || mediaType === mediaTypes.dockerList;
export const isManifestType = (mediaType: string): boolean =>
  mediaType === mediaTypes.ociManifest || mediaType === mediaTypes.dockerManifest;

const layerTypes = new Set([
  ...["", "+gzip", "+zstd"].flatMap((suffix) => [
    `application/vnd.oci.image.layer.v1.tar${suffix}`,
    `application/vnd.oci.image.layer.nondistributable.v1.tar${suffix}`,
  ]),
  ...["", ".gzip", ".zstd"].flatMap((suffix) => [
    `application/vnd.docker.image.rootfs.diff.tar${suffix}`,
    `application/vnd.docker.image.rootfs.foreign.diff.tar${suffix}`,
  ]),
]);
/** An archive as it is. */
export const isPlainLayerType = (mediaType: string): boolean =>
  mediaType === mediaTypes.ociLayer || mediaType === mediaTypes.dockerLayer;
/** Registries have the address of such a layer, not the layer. */
export const isForeignLayerType = (mediaType: string): boolean =>
  mediaType.includes(".nondistributable.") || mediaType.includes(".foreign.");
export const isLayerType = (mediaType: string): boolean => layerTypes.has(mediaType);

const platform: Decoder<Platform> = object(
  { architecture: string, os: string },
  { "os.version": string, "os.features": array(string), variant: string },
);

export const decodeDescriptor: Decoder<Descriptor> = object(
  { mediaType: string, digest: string, size: integer },
  { urls: array(string), annotations: record(string), platform },
);

export interface Manifest {
  readonly mediaType?: string;
  readonly config: Descriptor;
  readonly layers: readonly Descriptor[];
  readonly annotations?: Readonly<Record<string, string>>;
}

export const decodeManifest: Decoder<Manifest> = object(
  { config: decodeDescriptor, layers: array(decodeDescriptor) },
  { mediaType: string, annotations: record(string) },
);

export interface Index {
  readonly mediaType?: string;
  readonly manifests: readonly Descriptor[];
  readonly annotations?: Readonly<Record<string, string>>;
}

export const decodeIndex: Decoder<Index> = object(
  { manifests: array(decodeDescriptor) },
  { mediaType: string, annotations: record(string) },
);

const healthcheck = object(
  {},
  {
    Test: array(string),
    Interval: integer,
    Timeout: integer,
    StartPeriod: integer,
    StartInterval: integer,
    Retries: integer,
  },
);

/** What containers made from the image start with. Docker's extensions included. */
const containerDefaults = object(
  {},
  {
    User: string,
    ExposedPorts: record(unknown),
    Env: array(string),
    Entrypoint: array(string),
    Cmd: array(string),
    Volumes: record(unknown),
    WorkingDir: string,
    Labels: record(string),
    StopSignal: string,
    ArgsEscaped: boolean,
    Healthcheck: healthcheck,
    OnBuild: array(string),
    Shell: array(string),
  },
);
export type ImageDefaults = Decoded<typeof containerDefaults>;

const historyItem = object(
  {},
  { created: string, author: string, created_by: string, comment: string, empty_layer: boolean },
);

export const decodeImageConfig = object(
  { rootfs: object({ diff_ids: array(string) }, { type: string }) },
  {
    created: string,
    author: string,
    architecture: string,
    os: string,
    "os.version": string,
    "os.features": array(string),
    variant: string,
    config: containerDefaults,
    history: array(historyItem),
    docker_version: string,
    comment: string,
    parent: string,
    container: string,
  },
);
/** The document that an image id is the digest of. */
export type ImageConfig = Decoded<typeof decodeImageConfig>;
