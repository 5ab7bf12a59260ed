// POST /commit: an image of what a container has changed, with settings of the container's and the request's.

import { commitImage } from "#engine/images/commit.ts";
import type { ImageDeps } from "#engine/images/image-deps.ts";
import { applyChanges } from "#engine/images/import-changes.ts";
import { parseNewName } from "#engine/images/tag.ts";
import { familiarReference } from "#formats/reference.ts";
import type { ContainerConfig } from "#spec/container-config.ts";
import type { ImageDefaults } from "#spec/oci-image.ts";
import { unpackExposed } from "#spec/port-ranges.ts";
import { publishContainerEvent } from "../container-events.ts";
import { mergeImageConfig } from "../merge-image-config.ts";
import { type PauseDeps, pauseBriefly } from "../pause.ts";
import { refuseGone } from "./export.ts";
import { mountPlaces } from "./own-layer.ts";

export interface CommitDeps extends PauseDeps {
  readonly images: ImageDeps;
  /** The engine's version, which images tell. */
  readonly engineVersion: string;
}

export interface CommitOptions {
  readonly repo: string;
  readonly tag: string;
  readonly author: string;
  readonly comment: string;
  readonly pause: boolean;
  readonly changes: readonly string[];
  /** The body: settings that go before the container's own. */
  readonly config: ContainerConfig | undefined;
}

/** Returns the image's id. */
export async function commitContainer(
  deps: CommitDeps,
  name: string,
  options: CommitOptions,
  signal: AbortSignal,
): Promise<string> {
  const container = deps.containers.get(name);
  refuseGone(container, "commit");
  const { config } = container.record;
  const reference = options.repo === "" ? undefined : parseNewName(options.repo, options.tag);
  const changed = applyChanges(options.changes, settingsOf(options.config ?? config));
  const settings = options.config === undefined ? changed : withDefaults(options.config, changed, config);
  await using _paused = options.pause ? await pauseBriefly(deps, container.id) : undefined;
  const image = await commitImage(
    deps.images,
    {
      container: container.id,
      parent: container.record.imageId,
      reference,
      author: options.author,
      comment: options.comment,
      createdBy: (config.Cmd ?? []).join(" "),
      dockerVersion: deps.engineVersion,
      settings,
      exclude: mountPlaces,
    },
    signal,
  );
  publishContainerEvent(deps.events, container, "commit", {
    comment: options.comment,
    imageID: image,
    imageRef: reference === undefined ? "" : familiarReference(reference),
  });
  return image;
}

const withDefaults = (
  own: ContainerConfig,
  changed: ImageDefaults,
  container: ContainerConfig,
): ImageDefaults =>
  settingsOf(
    mergeImageConfig(
      { ...own, Env: null, Cmd: null, Entrypoint: null, Volumes: null, Labels: {}, ...changed },
      { ...settingsOf(container) },
    ),
  );

/** What of a container's settings an image can hold. */
function settingsOf(config: ContainerConfig): ImageDefaults {
  const { User, Env, Cmd, Entrypoint, WorkingDir, Volumes, Labels, OnBuild } = config;
  const { ExposedPorts, Healthcheck, StopSignal, Shell, ArgsEscaped } = config;
  return {
    ...(User !== "" && { User }),
    ...(ExposedPorts !== undefined && { ExposedPorts: unpackExposed(ExposedPorts) }),
    ...(Env !== null && { Env }),
    ...(Entrypoint !== null && { Entrypoint }),
    ...(Cmd !== null && { Cmd }),
    ...(Volumes !== null && { Volumes }),
    ...(WorkingDir !== "" && { WorkingDir }),
    ...(Labels !== null && { Labels }),
    ...(OnBuild !== null && { OnBuild }),
    ...(StopSignal !== undefined && { StopSignal }),
    ...(Healthcheck !== undefined && { Healthcheck }),
    ...(Shell !== undefined && { Shell }),
    ...(ArgsEscaped !== undefined && { ArgsEscaped }),
  };
}
