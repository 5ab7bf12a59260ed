// What a container takes over from its image where the user said nothing.

import { invalid } from "#base/errors.ts";
import type { ContainerConfig, HealthConfig } from "#spec/container-config.ts";
import { keyOf } from "./environment.ts";
import { parsePort } from "./ports.ts";

/** The `config` object of an image's configuration, in its own spelling. */
export interface ImageSettings {
  readonly User?: string;
  readonly ExposedPorts?: Readonly<Record<string, unknown>>;
  readonly Env?: readonly string[];
  readonly Entrypoint?: readonly string[];
  readonly Cmd?: readonly string[];
  readonly ArgsEscaped?: boolean;
  readonly Volumes?: Readonly<Record<string, unknown>>;
  readonly WorkingDir?: string;
  readonly Labels?: Readonly<Record<string, string>>;
  readonly StopSignal?: string;
  readonly Healthcheck?: HealthConfig;
  readonly OnBuild?: readonly string[];
  readonly Shell?: readonly string[];
}

export function mergeImageConfig(config: ContainerConfig, image: ImageSettings): ContainerConfig {
  const { Entrypoint, Cmd } = mergeCommand(config, image);
  const exposed = { ...image.ExposedPorts, ...config.ExposedPorts };
  for (const port of Object.keys(exposed)) parsePort(port); // an image's may be anything
  const stopSignal = config.StopSignal || image.StopSignal;
  const health = mergeHealthcheck(config.Healthcheck, image.Healthcheck);
  return {
    ...config,
    User: config.User || (image.User ?? ""),
    Env: mergeEnv(config.Env, image.Env),
    Entrypoint,
    Cmd,
    WorkingDir: config.WorkingDir || (image.WorkingDir ?? ""),
    Volumes: unionOrNull(image.Volumes, config.Volumes),
    Labels: { ...image.Labels, ...config.Labels },
    ...(Object.keys(exposed).length > 0 && { ExposedPorts: exposed }),
    ...(stopSignal && { StopSignal: stopSignal }),
    ...(health !== undefined && { Healthcheck: health }),
  };
}

/** An entrypoint of the user's drops the image's command; [""] and [] drop the image's entrypoint. */
function mergeCommand(
  config: ContainerConfig,
  image: ImageSettings,
): Pick<ContainerConfig, "Entrypoint" | "Cmd"> {
  let { Entrypoint, Cmd } = config;
  if ((Entrypoint ?? []).length === 0) {
    if ((Cmd ?? []).length === 0) Cmd = image.Cmd ?? null;
    Entrypoint ??= image.Entrypoint ?? null;
  }
  if (Entrypoint?.length === 1 && Entrypoint[0] === "") Entrypoint = null;
  if ((Entrypoint ?? []).length === 0 && (Cmd ?? []).length === 0) throw invalid("no command specified");
  return { Entrypoint, Cmd };
}

function mergeEnv(
  own: readonly string[] | null,
  fromImage: readonly string[] | undefined,
): readonly string[] | null {
  if (own === null || own.length === 0) return fromImage ?? own;
  const keys = new Set(own.map(keyOf));
  return [...own, ...(fromImage ?? []).filter((variable) => !keys.has(keyOf(variable)))];
}

function unionOrNull(
  image: Readonly<Record<string, unknown>> | undefined,
  own: Readonly<Record<string, unknown>> | null,
): Readonly<Record<string, unknown>> | null {
  const union = { ...image, ...own };
  return Object.keys(union).length === 0 ? null : union;
}

function mergeHealthcheck(
  own: HealthConfig | undefined,
  image: HealthConfig | undefined,
): HealthConfig | undefined {
  if (own === undefined || image === undefined) return own ?? image;
  return {
    ...image,
    ...Object.fromEntries(
      Object.entries(own).filter(([, value]) => (Array.isArray(value) ? value.length > 0 : value !== 0)),
    ),
  };
}

/** What is executed: the entrypoint with the command as its arguments. */
export function commandOf(config: ContainerConfig): {
  readonly path: string;
  readonly args: readonly string[];
} {
  const [path = "", ...args] = [...(config.Entrypoint ?? []), ...(config.Cmd ?? [])];
  return { path, args };
}
