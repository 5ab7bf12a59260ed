// Images as the API's versions show them.

import { ZERO_TIME } from "#base/clock.ts";
import type { ListedImage } from "#engine/images/list.ts";
import { type LocalImage, labelsOf, repoDigests, repoTags } from "#engine/images/local-image.ts";
import { TAGGED_AT } from "#engine/images/names.ts";
import type { ImageDefaults } from "#spec/oci-image.ts";

export interface ImageRow extends ListedImage {
  /** -1: not computed. */
  readonly sharedSize: number;
  /** -1: not counted. */
  readonly containers: number;
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
  };
}

/** A nameless image shows as such; one with only the other kind of name shows that. */
const orNone = (
  names: readonly string[],
  others: readonly string[],
  none: string,
): readonly string[] | null => (names.length > 0 ? names : others.length > 0 ? null : [none]);

export function encodeImageInspect(
  image: LocalImage,
  size: number,
  minor: number,
): Readonly<Record<string, unknown>> {
  const { config } = image;
  const tagged = image.records.map(({ labels }) => labels[TAGGED_AT] ?? "").sort();
  return {
    Id: image.id,
    RepoTags: repoTags(image),
    RepoDigests: repoDigests(image),
    ...encodeOrigin(config, minor),
    Config: encodeConfig(config.config ?? {}, minor < 52),
    Architecture: config.architecture ?? "",
    ...(config.variant !== undefined && { Variant: config.variant }),
    Os: config.os ?? "linux",
    ...(config["os.version"] !== undefined && { OsVersion: config["os.version"] }),
    Size: size,
    ...(minor < 44 && { VirtualSize: size }),
    ...(minor < 52 && { GraphDriver: { Data: null, Name: "overlayfs" } }),
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
    ...(minor < 45 && { Container: config.container ?? "", ContainerConfig: encodeConfig({}, true) }),
    DockerVersion: config.docker_version ?? "",
    Author: author ?? "",
  };
}

/** Before API 1.52 the fields that mean something for containers only are there too, empty. */
function encodeConfig(config: ImageDefaults, legacy: boolean): Readonly<Record<string, unknown>> {
  if (!legacy) return config;
  const { User, Env, Cmd, Volumes, WorkingDir, Entrypoint, OnBuild, Labels, ...rest } = config;
  return {
    Hostname: "",
    Domainname: "",
    User: User ?? "",
    AttachStdin: false,
    AttachStdout: false,
    AttachStderr: false,
    ...(rest.ExposedPorts !== undefined && { ExposedPorts: rest.ExposedPorts }),
    Tty: false,
    OpenStdin: false,
    StdinOnce: false,
    Env: Env ?? null,
    Cmd: Cmd ?? null,
    ...(rest.Healthcheck !== undefined && { Healthcheck: rest.Healthcheck }),
    ...(rest.ArgsEscaped !== undefined && { ArgsEscaped: rest.ArgsEscaped }),
    Image: "",
    Volumes: Volumes ?? null,
    WorkingDir: WorkingDir ?? "",
    Entrypoint: Entrypoint ?? null,
    OnBuild: OnBuild ?? null,
    Labels: Labels ?? null,
    ...(rest.StopSignal !== undefined && { StopSignal: rest.StopSignal }),
    ...(rest.Shell !== undefined && { Shell: rest.Shell }),
  };
}
