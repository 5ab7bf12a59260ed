// --log-driver and --log-opt as a container's record has them -> what its shim, its readers and its forwarder need.

import { hostname } from "node:os";
import { join } from "node:path";
import { parseGoBoolean } from "#formats/go-boolean.ts";
import type { HostConfig } from "#spec/container-config.ts";
import { extraAttributes, logTag } from "../logs/drivers/attributes.ts";
import type { LogInfo } from "../logs/drivers/driver.ts";
import { validateLogOptions } from "../logs/drivers/drivers.ts";
import {
  type Rotation,
  readCacheOptions,
  readJsonFileOptions,
  readLocalOptions,
} from "../logs/drivers/file-options.ts";
import type { LogSource } from "../logs/read.ts";
import type { ContainerRecord } from "./record.ts";

type LogConfig = HostConfig["LogConfig"];

export const validateLogConfig = (log: LogConfig): void => validateLogOptions(log.Type, log.Config ?? {});

/** The file that the shim writes; "" for none. With any driver it is what `docker logs` reads. */
export function logPathOf(containersDir: string, id: string, driver: string): string {
  if (driver === "none") return "";
  if (driver === "json-file") return join(containersDir, id, `${id}-json.log`);
  return join(containersDir, id, driver === "local" ? "local.log" : "container-cached.log");
}

export function readRotation({ Type: driver, Config: options }: LogConfig): Rotation {
  if (driver === "json-file") return readJsonFileOptions(options ?? {});
  return driver === "local" ? readLocalOptions(options ?? {}) : readCacheOptions(options ?? {});
}

export const logSourceOf = ({ logPath, hostConfig }: ContainerRecord): LogSource => ({
  path: logPath,
  maxFiles: readRotation(hostConfig.LogConfig).maxFiles,
});

/** `docker logs` is refused then. */
export function isCacheDisabled({ Type: driver, Config: options }: LogConfig): boolean {
  const isFile = driver === "json-file" || driver === "local";
  return !isFile && parseGoBoolean(options?.["cache-disabled"] ?? "") === true;
}

export const logInfoOf = (record: ContainerRecord): LogInfo => ({
  options: record.hostConfig.LogConfig.Config ?? {},
  containerId: record.id,
  containerName: record.name,
  command: [record.path, ...record.args],
  imageId: record.imageId,
  imageName: record.config.Image,
  created: record.createdAt,
  env: record.config.Env ?? [],
  labels: record.config.Labels ?? {},
  hostname: hostname(),
});

/** Labels, variables and tag that the options choose, written beside each line; "" if there are none. */
export function logAttributes(record: ContainerRecord): string {
  const info = logInfoOf(record);
  const tag = logTag(info, "");
  const chosen = { ...extraAttributes(info), ...(tag !== "" && { tag }) };
  const entries = Object.entries(chosen).sort(([a], [b]) => (a < b ? -1 : 1));
  return entries.length === 0 ? "" : JSON.stringify(Object.fromEntries(entries));
}
