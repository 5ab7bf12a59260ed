// What containers are given of the daemon's settings.

import { mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { EngineError, invalid, prefixed } from "#base/errors.ts";
import type { ContainersSettings } from "#engine/containers/wiring.ts";
import { validateLogOptions } from "#engine/logs/drivers/drivers.ts";
import { readIdFiles, remapOf, spareIds } from "#engine/system/subordinate-ids.ts";
import { readHostFacts } from "#libcontainer/host-facts.ts";
import type { DaemonSettings } from "#spec/daemon-settings.ts";
import type { IdMaps } from "#spec/id-maps.ts";
import { checkIdMapping, checkReachable } from "./check-id-mapping.ts";
import type { LiveSettings } from "./daemon/live-settings.ts";
import type { Layers } from "./engine-layers.ts";
import { resolveSeccomp } from "./resolve-seccomp.ts";

/** Rejects for what containers could not be given. */
export async function openContainerSettings(
  live: LiveSettings,
  layers: Pick<Layers, "networks" | "executor">,
  signal: AbortSignal,
): Promise<ContainersSettings> {
  const { dataRoot, execRoot, usernsRemap } = live.current;
  const remap = remapOf(usernsRemap, readIdFiles());
  if (remap !== undefined) {
    checkReachable(execRoot);
    await checkIdMapping(layers.executor, dataRoot, remap, signal);
  }
  return containerSettings(live, layers, remap);
}

function containerSettings(
  live: LiveSettings,
  { networks }: Pick<Layers, "networks">,
  remap: IdMaps | undefined,
): ContainersSettings {
  const settings = live.current;
  const seccompProfile = readSeccompProfile(settings.containers.seccompProfile);
  const containersDir = join(settings.dataRoot, "containers");
  mkdirSync(containersDir, { recursive: true, mode: 0o710 });
  const bridge = networks.find("bridge");
  return {
    containersDir,
    secretsDir: join(settings.execRoot, "secrets"),
    etc: {
      dns: settings.dns,
      dnsSearch: settings.dnsSearch,
      dnsOptions: settings.dnsOptions,
      hostGateways:
        settings.hostGatewayIps.length > 0
          ? settings.hostGatewayIps
          : (bridge?.pools ?? []).flatMap(({ gateway }) => gateway ?? []),
    },
    defaultLog: defaultLog(settings.containers),
    defaults: () => ({ ...live.current.containers, seccompProfile }),
    userNamespaces: {
      remap,
      spare: () => {
        checkReachable(settings.execRoot);
        return spareIds(readIdFiles());
      },
    },
    stopTimeout: () => live.current.containers.stopTimeout,
  };
}

/** A profile that is none is found now, not with the first container. */
function readSeccompProfile(name: string): string {
  if (name === "builtin" || name === "unconfined") return name;
  try {
    const text = readFileSync(name, "utf8");
    resolveSeccomp(readHostFacts())(text, []);
    return text;
  } catch (error) {
    throw invalid(
      `opening seccomp profile (${name}) failed: ${error instanceof Error ? error.message : String(error)}`,
      {
        cause: error,
      },
    );
  }
}

/** The daemon does not start with options that its containers could not. */
function defaultLog({ logDriver, logOptions }: DaemonSettings["containers"]) {
  const driver = logDriver || "json-file";
  try {
    if (Object.keys(logOptions).length > 0 || logDriver !== "") validateLogOptions(driver, logOptions);
  } catch (error) {
    if (error instanceof EngineError) throw prefixed("failed to set log opts: ", error);
    throw error;
  }
  return { driver, options: logOptions };
}
