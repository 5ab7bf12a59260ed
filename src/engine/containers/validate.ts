// A container's settings as the client gave them, checked in Docker's order and words.

import { posix } from "node:path";
import { invalid, systemError, unsupported } from "#base/errors.ts";
import type { ContainerConfig, HostConfig, RestartPolicy } from "#spec/container-config.ts";
import { normalizeCapabilities } from "./capabilities.ts";
import { validateLogConfig } from "./log-config.ts";
import { validateNamespaceModes } from "./namespace-modes.ts";
import { ulimitNames } from "./oci-defaults.table.ts";
import { parsePort } from "./ports.ts";
import { retryingPolicies } from "./restart-policy.ts";
import { validateRuntime } from "./runtimes.ts";
import { parseSecurityOptions } from "./security-opt.ts";
import { parseSignal } from "./signals.ts";
import { type CpuFacts, validateResources } from "./validate-resources.ts";

interface ValidationFacts extends CpuFacts {
  /** Of the daemon's configuration. */
  readonly configuredRuntimes?: readonly string[];
}

export function validateContainer(
  config: ContainerConfig,
  hostConfig: HostConfig,
  facts: ValidationFacts,
): void {
  validateConfig(config);
  validateRestartPolicy(hostConfig.RestartPolicy, hostConfig.AutoRemove);
  validateResources(hostConfig, facts);
  validateNamespaceModes(config, hostConfig);
  validateSecurity(hostConfig);
  validateLimits(hostConfig);
  validateExtraHosts(hostConfig.ExtraHosts);
  validateStorageOptions(hostConfig.StorageOpt ?? {});
  // They would have to be set after the interface is there, by a driver option of its endpoint.
  const ofInterface = Object.keys(hostConfig.Sysctls ?? {}).find((name) =>
    /^net\.[^.]+\.[^.]+\.eth/.test(name),
  );
  if (ofInterface !== undefined) throw unsupported(`--sysctl ${ofInterface}`);
  validateLogConfig(hostConfig.LogConfig);
  for (const port of Object.keys(hostConfig.PortBindings ?? {})) parsePort(port);
  validateRuntime(hostConfig.Runtime, facts.configuredRuntimes ?? []);
}

function validateConfig(config: ContainerConfig): void {
  if (config.WorkingDir !== "" && !posix.isAbsolute(config.WorkingDir))
    throw invalid(`the working directory '${config.WorkingDir}' is invalid, it needs to be an absolute path`);
  if (config.StopSignal !== undefined && config.StopSignal !== "") parseSignal(config.StopSignal);
  if (Buffer.byteLength(config.Hostname) > 64)
    throw invalid(`hostname "${config.Hostname}" is too long (maximum 64 bytes)`);
  for (const variable of config.Env ?? []) {
    if (variable === "" || variable.startsWith("=") || variable.includes("\0"))
      throw invalid(`invalid environment variable: ${variable}`);
  }
  for (const port of Object.keys(config.ExposedPorts ?? {})) parsePort(port);
  validateHealthcheck(config);
}

function validateHealthcheck({ Healthcheck: health }: ContainerConfig): void {
  if (health === undefined) return;
  for (const field of ["Interval", "Timeout", "StartPeriod", "StartInterval"] as const) {
    const value = health[field] ?? 0;
    if (value !== 0 && value < 1_000_000) throw invalid(`${field} in Healthcheck cannot be less than 1ms`);
  }
  if ((health.Retries ?? 0) < 0) throw invalid("Retries in Healthcheck cannot be negative");
}

export function validateRestartPolicy(policy: RestartPolicy, autoRemove: boolean): void {
  const { Name: name, MaximumRetryCount: retries } = policy;
  if (autoRemove && name !== "" && name !== "no")
    throw invalid("can't create 'AutoRemove' container with restart policy");
  if (!["", "no", "always", "unless-stopped", ...retryingPolicies].includes(name))
    throw invalid(
      `invalid restart policy: unknown policy '${name}'; use one of 'no', 'always', 'on-failure', or 'unless-stopped'`,
    );
  if (retries < 0) throw invalid("invalid restart policy: maximum retry count cannot be negative");
  if (retries > 0 && !retryingPolicies.includes(name))
    throw invalid("invalid restart policy: maximum retry count can only be used with 'on-failure'");
}

function validateSecurity(hostConfig: HostConfig): void {
  normalizeCapabilities("CapAdd", hostConfig.CapAdd);
  normalizeCapabilities("CapDrop", hostConfig.CapDrop);
  parseSecurityOptions(hostConfig.SecurityOpt);
}

function validateLimits(hostConfig: HostConfig): void {
  const { OomScoreAdj: score, ShmSize: shm } = hostConfig;
  if (score < -1000 || score > 1000)
    throw invalid(`Invalid value ${score}, range for oom score adj is [-1000, 1000]`);
  if (shm < 0) throw invalid("SHM size can not be less than 0");
  for (const { Name: name, Soft: soft, Hard: hard } of hostConfig.Ulimits ?? []) {
    if (!ulimitNames.includes(name)) throw invalid(`invalid ulimit type: ${name}`);
    if (hard !== -1 && (soft === -1 || soft > hard))
      throw invalid(`ulimit soft limit must be less than or equal to hard limit: ${soft} > ${hard}`);
  }
}

function validateStorageOptions(options: Readonly<Record<string, string>>): void {
  const unknown = Object.keys(options).find((name) => name.toLowerCase() !== "size");
  if (unknown !== undefined) throw systemError(`Unknown option ${unknown}`);
  if (Object.keys(options).length > 0)
    throw systemError("--storage-opt is supported only for overlay over xfs with 'pquota' mount option");
}

function validateExtraHosts(hosts: readonly string[] | null): void {
  for (const entry of hosts ?? []) {
    const at = entry.indexOf(":");
    if (at <= 0) throw invalid(`bad format for add-host: "${entry}"`);
    const address = entry.slice(at + 1);
    if (address !== "host-gateway" && !/^\[?[0-9a-fA-F:.]+\]?$/.test(address))
      throw invalid(`invalid IP address in add-host: "${address}"`);
  }
}
