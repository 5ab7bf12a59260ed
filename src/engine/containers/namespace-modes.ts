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
  if (!["", "host", "private"].includes(hostConfig.UsernsMode))
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
  const linked = isGiven(hostConfig.Links);
  const undefinedBehavior = "can't be used with links. This would result in undefined behavior";
  if (linked && hostConfig.NetworkMode === "host")
    throw invalid(`conflicting options: host type networking ${undefinedBehavior}`);
  const owner = containerOf(hostConfig.NetworkMode);
  if (owner === undefined) return;
  if (owner === "") throw invalid("invalid container format container:<name|id>");
  const published = isGiven(hostConfig.PortBindings) || hostConfig.PublishAllPorts;
  const conflicts: readonly (readonly [boolean, string])[] = [
    [config.Hostname !== "", "hostname and the network mode"],
    [linked, `container type network ${undefinedBehavior}`],
    [isGiven(hostConfig.Dns), "dns and the network mode"],
    [isGiven(hostConfig.ExtraHosts), "custom host-to-IP mapping and the network mode"],
    [published, "port publishing and the container type network mode"],
    [isGiven(config.ExposedPorts), "port exposing and the container type network mode"],
  ];
  const conflict = conflicts.find(([holds]) => holds);
  if (conflict !== undefined) throw invalid(`conflicting options: ${conflict[1]}`);
}

const isGiven = (value: object | null | undefined): boolean => Object.keys(value ?? {}).length > 0;
