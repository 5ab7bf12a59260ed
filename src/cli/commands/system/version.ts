import { API_VERSION } from "#client/engine-client.ts";
import { Struct } from "#formats/go-template-values.ts";
import type { SystemVersion } from "#spec/engine-api/definitions.table.ts";
import type { Call, Command } from "../../grammar/command.ts";
import { unsupportedFlags } from "../../grammar/flags.ts";
import { inspectFormat } from "../../output/inspection.ts";
import { printWhole } from "../../output/whole-object.ts";
import { VERSION } from "../../version.ts";

type Details = Readonly<Record<string, unknown>>;

interface ClientVersion {
  readonly apiVersion: string;
  readonly context: string;
}

/** "linux/amd64" in Go's names. */
const ARCHITECTURES: Readonly<Record<string, string>> = { x64: "amd64", ia32: "386" };
const architecture = ARCHITECTURES[process.arch] ?? process.arch;

const line = (indent: string, name: string, value: unknown): string =>
  `${indent}${`${name}:`.padEnd(19)}${String(value ?? "")}\n`;

function clientText({ apiVersion, context }: ClientVersion): string {
  const api = apiVersion === API_VERSION ? apiVersion : `${apiVersion} (downgraded from ${API_VERSION})`;
  return [
    "Client: Gantry\n",
    line(" ", "Version", VERSION),
    line(" ", "API version", api),
    line(" ", "Node version", process.version),
    line(" ", "OS/Arch", `${process.platform}/${architecture}`),
    line(" ", "Context", context),
  ].join("");
}

function buildTime(text: unknown): string {
  const at = Date.parse(String(text ?? ""));
  if (Number.isNaN(at)) return String(text ?? "");
  const [day, date, month, year, time] = new Date(at).toUTCString().replace(",", "").split(" ");
  return `${day} ${month} ${String(Number(date)).padStart(2)} ${time} ${year}`;
}

function engineText(server: SystemVersion, details: Details): string {
  const minimum = details.MinAPIVersion ?? server.MinAPIVersion ?? "";
  return [
    " Engine:\n",
    line("  ", "Version", server.Version),
    line("  ", "API version", `${server.ApiVersion} (minimum version ${minimum})`),
    line("  ", "Go version", details.GoVersion ?? server.GoVersion),
    line("  ", "Git commit", details.GitCommit ?? server.GitCommit),
    line("  ", "Built", buildTime(details.BuildTime ?? server.BuildTime)),
    line("  ", "OS/Arch", `${server.Os}/${server.Arch}`),
    line("  ", "Experimental", details.Experimental ?? server.Experimental ?? false),
  ].join("");
}

function serverText(server: SystemVersion): string {
  const platform = server.Platform?.Name ?? "";
  const components = server.Components ?? [];
  const engine = components.find(({ Name }) => Name === "Engine");
  const others = components.filter(({ Name }) => Name !== "Engine");
  const text = others.map(({ Name, Version, Details }) => {
    const lines = [line("  ", "Version", Version)];
    if (Details?.GitCommit !== undefined) lines.push(line("  ", "GitCommit", Details.GitCommit));
    return ` ${Name}:\n${lines.join("")}`;
  });
  const head = `Server:${platform === "" ? "" : ` ${platform}`}\n`;
  return `${head}${engineText(server, engine?.Details ?? {})}${text.join("")}`;
}

function versionData(client: ClientVersion, server: SystemVersion | undefined): Struct {
  const Client = new Struct("*system.clientVersion", {
    Version: VERSION,
    ApiVersion: client.apiVersion,
    DefaultAPIVersion: API_VERSION,
    GitCommit: "",
    GoVersion: "",
    Os: process.platform,
    Arch: architecture,
    BuildTime: "",
    Context: client.context,
  });
  return new Struct("system.versionInfo", { Client, Server: server ?? null });
}

async function run({ session, option, signal }: Call): Promise<void> {
  let apiVersion: string = API_VERSION;
  let server: SystemVersion | undefined;
  let failure: unknown;
  try {
    const engine = await session.engine(signal);
    apiVersion = await engine.client.version(signal);
    server = await engine.system.version(signal);
  } catch (error) {
    failure = error;
  }
  const client = { apiVersion, context: session.connection.contextName };
  const wanted = option(inspectFormat) ?? "";
  if (wanted !== "") {
    const data = versionData(client, server);
    printWhole(session, wanted, { name: "version", type: data.type, data });
  } else {
    session.out(clientText(client));
    if (server !== undefined) session.out(`\n${serverText(server)}`);
  }
  if (failure !== undefined) throw failure;
}

export const command: Command = {
  usage: "[OPTIONS]",
  about: "Show the version information",
  takes: [0, 0],
  flags: [inspectFormat, ...unsupportedFlags("kubeconfig")],
  run,
};
