// The resident of the command line: commands that only ask the daemon and print are served by a process that stays for a
// while, because Node alone takes longer to start than Docker's client takes in all. bin/gantry says which commands those are.
// What would come out differently here than in the caller's own process is declined, and bin/gantry runs it there.

import { readFileSync, readlinkSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { Readable, Writable } from "node:stream";
import type { ManifestRegistryOptions } from "#cli/manifests/manifest-registry.ts";
import { runProgram } from "#cli/program.ts";
import { readSettings } from "#cli/settings.ts";
import type { Command } from "#runc/resident/connection.ts";
import { reside } from "./reside.ts";

/** bin/gantry knows it. */
const DECLINED = 253;

interface Said {
  readonly fd: 1 | 2;
  readonly text: string;
}

const isSame = (of: (pid: number | "self") => string, pid: number): boolean => of(pid) === of("self");
const networkOf = (pid: number | "self"): string => readlinkSync(`/proc/${pid}/ns/net`);
const groupsOf = (pid: number | "self"): string =>
  /^Groups:.*$/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[0] ?? "";

/** Words of a line to complete that say whom to ask. */
const CONNECTION = /^(-H|-c|--host|--context|--config)/;

const NAMED = ["DOCKER_CONTEXT", "DOCKER_TLS", "DOCKER_TLS_VERIFY", "DOCKER_CERT_PATH"] as const;

/** A daemon on this machine's unix socket, which no context and no word of the line names. */
function asksHere({ env, words }: Command): boolean {
  const { DOCKER_HOST: host = "", DOCKER_CONFIG: folder = "" } = env;
  if (NAMED.some((name) => (env[name] ?? "") !== "") || words.some((word) => CONNECTION.test(word)))
    return false;
  if (host !== "") return host.startsWith("unix:///") && /^(\/|$)/.test(folder);
  if (folder !== "" && !folder.startsWith("/")) return false;
  const configFolder = folder === "" ? join(env.HOME ?? homedir(), ".docker") : folder;
  return (readSettings(configFolder).currentContext ?? "") === "";
}

/** With the caller's own rights, network and time zone. */
const mayServe = (command: Command): boolean =>
  asksHere(command) &&
  command.env.TZ === process.env.TZ &&
  isSame(networkOf, command.pid) &&
  isSame(groupsOf, command.pid);

function collector(said: Said[], fd: 1 | 2): Writable {
  return new Writable({
    write: (chunk: unknown, _encoding, done) => {
      said.push({ fd, text: String(chunk) });
      done();
    },
  });
}

async function serve(command: Command): Promise<number> {
  if (!mayServe(command)) return DECLINED;
  const said: Said[] = [];
  let declined = false;
  const surroundings = {
    env: command.env,
    stdin: Readable.from([]),
    stdout: collector(said, 1),
    stderr: collector(said, 2),
    onSignal: () => ({ [Symbol.dispose]: () => undefined }),
    /** Whoever starts a daemon is to be its parent. */
    startDaemon: async () => {
      declined = true;
    },
    daemonProgram: "",
    openManifestRegistry: async (options: ManifestRegistryOptions) =>
      await (await import("./manifest-registry.ts")).openManifestRegistry(options),
    now: () => Date.now(),
  };
  const code = await runProgram(command.words, surroundings, command.signal);
  if (declined) return DECLINED;
  for (const { fd, text } of said) await command.client.write(fd, text);
  return code;
}

reside({ name: "gantry", linger: process.env.GANTRY_LINGER, serve });
