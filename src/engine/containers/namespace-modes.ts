// --network, --ipc, --pid, --uts, --cgroupns, --userns: whose namespace a container uses.

import { invalid } from "#base/errors.ts";
import type { ContainerConfig, HostConfig } from "#spec/container-config.ts";

/** The container of "container:NAME", or undefined. */
export const containerOf = (mode: string): string | undefined =>
  mode.startsWith("container:") ? mode.slice("container:".length) : undefined;

export function validateNamespaceModes(config: ContainerConfig, hostConfig: HostConfig): void {
  checkMode("IPC", hostConfig.IpcMode, ["", "none", "private", "shareable", "host"]);
  checkMode("PID", hostConfig.PidMode, ["", "host"]);
  if (!["", "host"].includes(hostConfig.UTSMode)) throw invalid(`invalid UTS mode: ${hostConfig.UTSMode}`);
  if (!["", "host", "private"].includes(hostConfig.CgroupnsMode))
    throw invalid(`invalid cgroup namespace mode: ${hostConfig.CgroupnsMode}`);
  if (!["", "host"].includes(hostConfig.UsernsMode))
    throw invalid(`invalid user namespace mode: ${hostConfig.UsernsMode}`);
  if (hostConfig.UTSMode === "host" && config.Hostname !== "")
    throw invalid("conflicting options: hostname and the UTS mode");
  if (!["", "default"].includes(hostConfig.Isolation))
    throw invalid(`invalid isolation (${hostConfig.Isolation}): linux only supports 'default'`);
  validateNetworkMode(config, hostConfig);
}

function checkMode(what: "IPC" | "PID", mode: string, allowed: readonly string[]): void {
  if (allowed.includes(mode)) return;
  if (!containerOf(mode)) throw invalid(`invalid ${what} mode: ${mode}`);
}

function validateNetworkMode(config: ContainerConfig, hostConfig: HostConfig): void {
  const owner = containerOf(hostConfig.NetworkMode);
  if (owner === undefined) return;
  if (owner === "") throw invalid("invalid container format container:<name|id>");
  if (config.Hostname !== "") throw invalid("conflicting options: hostname and the network mode");
  if ((hostConfig.Dns ?? []).length > 0) throw invalid("conflicting options: dns and the network mode");
  if ((hostConfig.ExtraHosts ?? []).length > 0)
    throw invalid("conflicting options: custom host-to-IP mapping and the network mode");
  if (Object.keys(hostConfig.PortBindings ?? {}).length > 0 || hostConfig.PublishAllPorts)
    throw invalid("conflicting options: port publishing and the container type network mode");
  if (Object.keys(config.ExposedPorts ?? {}).length > 0)
    throw invalid("conflicting options: port exposing and the container type network mode");
}
