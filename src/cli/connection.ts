// Which daemon to talk to: the global flags, the environment, the contexts, in Docker's order.

import { existsSync, readFileSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { type Endpoint, parseEndpoint, type TlsMaterial } from "#client/endpoint.ts";
import { readContext, tlsFolder } from "./contexts/store.ts";
import { ExitError } from "./grammar/errors.ts";
import { type AnyFlag, list, text, toggle } from "./grammar/flags.ts";
import type { ParsedLine } from "./grammar/parse.ts";
import { readSettings } from "./settings.ts";

type Environment = Readonly<Record<string, string | undefined>>;

export interface ConnectionOptions {
  /** Undefined when nobody named any: the default host. Reads the files of the context; throws an Error in Docker's words. */
  readonly findEndpoint: () => Endpoint | undefined;
  /** -H or DOCKER_HOST, which set contexts aside. */
  readonly host: string | undefined;
  readonly contextName: string;
  readonly configFolder: string;
}

export const GLOBAL = {
  config: text("config", { about: 'Location of client config files (default "~/.docker")' }),
  context: text("context", {
    short: "c",
    about: "Name of the context to use to connect to the daemon (overrides DOCKER_HOST env var)",
  }),
  debug: toggle("debug", { short: "D", about: "Enable debug mode" }),
  host: list("host", { short: "H", about: "Daemon socket to connect to" }),
  logLevel: text("log-level", {
    short: "l",
    shown: "info",
    about: 'Set the logging level ("debug", "info", "warn", "error", "fatal")',
  }),
  noAutostart: toggle("no-autostart", { about: "Do not start a daemon if none answers" }),
  tls: toggle("tls", { about: "Use TLS; implied by --tlsverify" }),
  tlsCa: text("tlscacert", { about: "Trust certs signed only by this CA" }),
  tlsCert: text("tlscert", { about: "Path to TLS certificate file" }),
  tlsKey: text("tlskey", { about: "Path to TLS key file" }),
  tlsVerify: toggle("tlsverify", { about: "Use TLS and verify the remote" }),
  version: toggle("version", { short: "v", about: "Print version information and quit" }),
} as const;

export const globalFlags: readonly AnyFlag[] = Object.values(GLOBAL);

function readPem(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    throw new Error(`could not read TLS file: ${error instanceof Error ? error.message : String(error)}`, {
      cause: error,
    });
  }
}

/** `folder` holds Docker's file names; a file that was not named and is not there is left out. */
function tlsMaterial(folder: string, verify: boolean, line?: ParsedLine): TlsMaterial {
  const read = (named: string, file: string): string | undefined => {
    if (named !== "") return readPem(named);
    const path = join(folder, file);
    return existsSync(path) ? readPem(path) : undefined;
  };
  const ca = verify ? read(line?.option(GLOBAL.tlsCa) ?? "", "ca.pem") : undefined;
  const cert = read(line?.option(GLOBAL.tlsCert) ?? "", "cert.pem");
  const key = read(line?.option(GLOBAL.tlsKey) ?? "", "key.pem");
  return {
    verify,
    ...(ca === undefined ? {} : { ca }),
    ...(cert === undefined ? {} : { cert }),
    ...(key === undefined ? {} : { key }),
  };
}

const given = (text: string | undefined): string | undefined => (text === "" ? undefined : text);

function namedHost(line: ParsedLine, env: Environment): string | undefined {
  const hosts = line.option(GLOBAL.host);
  if (hosts.length > 1) throw new ExitError(1, "Specify only one -H");
  return hosts[0] ?? given(env.DOCKER_HOST);
}

function contextOf(line: ParsedLine, env: Environment, configFolder: string): string {
  const flag = line.option(GLOBAL.context);
  if (flag !== "") {
    if (line.isGiven(GLOBAL.host))
      throw new ExitError(1, "conflicting options: cannot specify both --host and --context");
    return flag;
  }
  if (namedHost(line, env) !== undefined) return "default";
  return given(env.DOCKER_CONTEXT) ?? given(readSettings(configFolder).currentContext) ?? "default";
}

function contextEndpoint(configFolder: string, name: string): Endpoint {
  const docker = readContext(configFolder, name).Endpoints?.docker;
  if (docker?.Host === undefined) throw new Error(`docker endpoint for ${JSON.stringify(name)} not found`);
  const folder = join(tlsFolder(configFolder, name), "docker");
  const hasTls = existsSync(folder) || (docker.Host.startsWith("tcp:") && docker.SkipTLSVerify === true);
  return parseEndpoint(docker.Host, hasTls ? tlsMaterial(folder, docker.SkipTLSVerify !== true) : undefined);
}

function hostEndpoint(line: ParsedLine, env: Environment, configFolder: string): Endpoint | undefined {
  const host = namedHost(line, env);
  if (host === undefined) return undefined;
  const verify = line.isGiven(GLOBAL.tlsVerify)
    ? line.option(GLOBAL.tlsVerify)
    : (env.DOCKER_TLS_VERIFY ?? "") !== "";
  const useTls = verify || line.option(GLOBAL.tls) || (env.DOCKER_TLS ?? "") !== "";
  const folder = given(env.DOCKER_CERT_PATH) ?? configFolder;
  return parseEndpoint(host, useTls ? tlsMaterial(folder, verify, line) : undefined);
}

/** What the flags and the environment say. Throws ExitError where they contradict each other. */
export function resolveConnection(line: ParsedLine, env: Environment): ConnectionOptions {
  const home = env.HOME ?? homedir();
  const configFolder = given(line.option(GLOBAL.config)) ?? given(env.DOCKER_CONFIG) ?? join(home, ".docker");
  const contextName = contextOf(line, env, configFolder);
  return {
    contextName,
    configFolder,
    host: namedHost(line, env),
    findEndpoint: () =>
      contextName === "default"
        ? hostEndpoint(line, env, configFolder)
        : contextEndpoint(configFolder, contextName),
  };
}
