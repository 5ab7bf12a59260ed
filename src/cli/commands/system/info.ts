import { formatBinarySize } from "#formats/units.ts";
import type { Commit, SystemInfo } from "#spec/engine-api/definitions.table.ts";
import type { Call, Command } from "../../grammar/command.ts";
import { inspectFormat } from "../../output/inspection.ts";
import { printWhole } from "../../output/whole-object.ts";
import type { SessionConnection } from "../../session.ts";
import { VERSION } from "../../version.ts";

type Lines = readonly string[];

const field = (name: string, value: unknown): Lines => [` ${name}: ${String(value ?? "")}`];
const optional = (name: string, value: string | undefined): Lines =>
  value === undefined || value === "" ? [] : field(name, value);
const section = (name: string, lines: Lines): Lines =>
  lines.length === 0 ? [] : [` ${name}:`, ...lines.map((line) => `  ${line}`)];

function countLines(info: SystemInfo): Lines {
  return [
    ...field("Containers", info.Containers),
    ...[
      ` Running: ${info.ContainersRunning}`,
      ` Paused: ${info.ContainersPaused}`,
      ` Stopped: ${info.ContainersStopped}`,
    ].map((line) => ` ${line}`),
    ...field("Images", info.Images),
  ];
}

function storageLines(info: SystemInfo): Lines {
  const status = (info.DriverStatus ?? []).map(([name, value]) => `  ${name}: ${value}`);
  return [...optional("Storage Driver", info.Driver), ...status];
}

function pluginLines({ Plugins = {} }: SystemInfo): Lines {
  const { Volume, Network, Authorization, Log } = Plugins;
  const kinds = { Volume, Network, Authorization, Log };
  const lines = Object.entries(kinds).flatMap(([kind, names]) =>
    names === undefined || names === null || names.length === 0 ? [] : [`${kind}: ${names.join(" ")}`],
  );
  return [" Plugins:", ...lines.map((line) => `  ${line}`)];
}

const commitLine = (name: string, commit: Commit | undefined): Lines =>
  commit === undefined ? [] : field(`${name} version`, commit.ID);

function runtimeLines(info: SystemInfo): Lines {
  const { Isolation } = info;
  if (info.OSType === "windows") return optional("Default Isolation", Isolation);
  return [
    ...field("Runtimes", Object.keys(info.Runtimes ?? {}).join(" ")),
    ...field("Default Runtime", info.DefaultRuntime),
    ...field("Init Binary", info.InitBinary),
    ...commitLine("containerd", info.ContainerdCommit),
    ...commitLine("runc", info.RuncCommit),
    ...commitLine("init", info.InitCommit),
  ];
}

/** "name=seccomp,profile=default" to "seccomp" and its options below. */
function securityLines({ SecurityOptions }: SystemInfo): Lines {
  const lines = (SecurityOptions ?? []).flatMap((text) => {
    const pairs = text.split(",").map((pair) => pair.split("=", 2));
    return pairs.map(([key = "", value = ""]) =>
      key === "name" ? value : ` ${key.charAt(0).toUpperCase()}${key.slice(1)}: ${value}`,
    );
  });
  return section("Security Options", lines);
}

const debugLines = (info: SystemInfo): Lines => [
  `  File Descriptors: ${info.NFd}`,
  `  Goroutines: ${info.NGoroutines}`,
  `  System Time: ${info.SystemTime}`,
  `  EventsListeners: ${info.NEventsListener}`,
];

function machineLines(info: SystemInfo): Lines {
  return [
    ...optional("Kernel Version", info.KernelVersion),
    ...optional("Operating System", info.OperatingSystem),
    ...optional("OSType", info.OSType),
    ...optional("Architecture", info.Architecture),
    ...field("CPUs", info.NCPU),
    ...field("Total Memory", formatBinarySize(info.MemTotal ?? 0)),
    ...optional("Name", info.Name),
    ...optional("ID", info.ID),
    ...field("Docker Root Dir", info.DockerRootDir),
    ...field("Debug Mode", info.Debug ?? false),
    ...(info.Debug === true ? debugLines(info) : []),
  ];
}

function registryLines({ RegistryConfig, Labels, ExperimentalBuild, LiveRestoreEnabled }: SystemInfo): Lines {
  const indexes = Object.entries(RegistryConfig?.IndexConfigs ?? {});
  const insecure = indexes.filter(([, index]) => index?.Secure === false).map(([name]) => name);
  return [
    ...section("Labels", Labels ?? []),
    ...field("Experimental", ExperimentalBuild ?? false),
    ...section("Insecure Registries", [...insecure, ...(RegistryConfig?.InsecureRegistryCIDRs ?? [])]),
    ...section("Registry Mirrors", RegistryConfig?.Mirrors ?? []),
    ...field("Live Restore Enabled", LiveRestoreEnabled ?? false),
  ];
}

function serverText(info: SystemInfo): string {
  const lines = [
    "Server:",
    ...countLines(info),
    ...optional("Server Version", info.ServerVersion),
    ...storageLines(info),
    ...optional("Logging Driver", info.LoggingDriver),
    ...optional("Cgroup Driver", info.CgroupDriver),
    ...optional("Cgroup Version", info.CgroupVersion),
    ...pluginLines(info),
    ...field("Swarm", info.Swarm?.LocalNodeState ?? "inactive"),
    ...runtimeLines(info),
    ...securityLines(info),
    ...machineLines(info),
    ...optional("HTTP Proxy", info.HttpProxy),
    ...optional("HTTPS Proxy", info.HttpsProxy),
    ...optional("No Proxy", info.NoProxy),
    ...registryLines(info),
  ];
  return `${lines.join("\n")}\n\n`;
}

const clientText = ({ contextName, debug }: SessionConnection): string =>
  `Client: Gantry\n Version:    ${VERSION}\n Context:    ${contextName}\n Debug Mode: ${debug}\n\n`;

async function run({ session, option, signal }: Call): Promise<void> {
  const wanted = option(inspectFormat) ?? "";
  const { connection } = session;
  let info: SystemInfo;
  try {
    info = await (await session.engine(signal)).system.info(signal);
  } catch (error) {
    if (wanted === "") session.out(`${clientText(connection)}Server:\n`);
    throw error;
  }
  if (wanted !== "") {
    const { debug: Debug, contextName: Context } = connection;
    const ClientInfo = { Debug, Version: VERSION, Context, Plugins: [], Warnings: null };
    return printWhole(session, wanted, {
      name: "",
      type: "system.dockerInfo",
      data: { ...info, ClientInfo },
    });
  }
  session.out(clientText(connection) + serverText(info));
  for (const warning of info.Warnings ?? []) session.err(`${warning}\n`);
}

export const command: Command = {
  usage: "[OPTIONS]",
  about: "Display system-wide information",
  takes: [0, 0],
  flags: [inspectFormat],
  run,
};
