// A bundle of static busybox and a gantry-runc with a resident of its own, which ends with the bundle.

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { globSync, mkdtempSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { claimed } from "#base/decode.ts";
import { makeBusyboxRoot } from "../system/images.ts";

export const program = join(import.meta.dirname, "../../bin/gantry-runc");

export interface Result {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface Bundle extends AsyncDisposable {
  readonly id: string;
  readonly path: string;
  /** For programs that call gantry-runc: its folders. */
  readonly env: NodeJS.ProcessEnv;
  /** Words before gantry-runc's own. */
  readonly globals: readonly string[];
  /** Runs a command to its end; standard streams are /dev/null where it goes on without the command. */
  run(words: readonly string[], options?: RunOptions): Result;
  /** What is there of the container named `id`, of its cgroups, processes and mounts. */
  remains(): readonly string[];
  /** Process ids of its residents. */
  residents(): readonly number[];
}

export interface RunOptions {
  readonly input?: string;
  readonly detached?: boolean;
  /** Words of a program that runs gantry-runc. */
  readonly under?: readonly string[];
}

export interface BundleOptions {
  readonly args: readonly string[];
  readonly change?: (config: Config) => void;
}

/** Of config.json, as far as tests change it. */
export interface Config {
  process: Record<string, unknown>;
  linux: Record<string, unknown>;
  mounts: unknown[];
  hooks?: unknown;
}

export async function makeBundle({ args, change }: BundleOptions): Promise<Bundle> {
  const path = mkdtempSync(join(tmpdir(), "gantry-runc-test-"));
  await using root = await makeBusyboxRoot();
  renameSync(root.path, join(path, "rootfs"));
  const id = basename(path);
  const env = { ...process.env, GANTRY_RUNC_SOCKETS: mkdtempSync(join(path, "sockets-")) };
  const globals = ["--root", join(path, "state")];
  const run: Bundle["run"] = (words, { input = "", detached = false, under = [] } = {}) => {
    const [first = program, ...rest] = [...under, program, ...globals, ...words];
    const result = spawnSync(first, rest, {
      cwd: path,
      encoding: "utf8",
      timeout: 120_000,
      env,
      ...(detached ? { stdio: "ignore" as const } : { input }),
    });
    return { code: result.status, stdout: result.stdout ?? "", stderr: result.stderr ?? "" };
  };
  assert.equal(run(["spec"]).code, 0);
  const config = claimed<Config>(JSON.parse(readFileSync(join(path, "config.json"), "utf8")));
  config.process = { ...config.process, terminal: false, args };
  config.linux = { ...config.linux, cgroupsPath: `/${id}` };
  change?.(config);
  writeFileSync(join(path, "config.json"), JSON.stringify(config));
  const residents = () => findResidents(env.GANTRY_RUNC_SOCKETS);
  return {
    id,
    path,
    env,
    globals,
    run,
    residents,
    remains: () => [
      ...globSync(`${path}/state/*`),
      ...globSync(`/sys/fs/cgroup/*/${id}`),
      ...globSync(`/sys/fs/cgroup/${id}`),
      ...findProcesses("mountinfo", `${path}/rootfs`).map((pid) => `process ${pid}`),
    ],
    [Symbol.asyncDispose]: async () => {
      run(["delete", "--force", id]);
      await endResidents(env.GANTRY_RUNC_SOCKETS);
      rmSync(path, { recursive: true, force: true });
    },
  };
}

const findResidents = (sockets: string): readonly number[] =>
  findProcesses("environ", `GANTRY_RUNC_RESIDENT=${sockets}`);

/** Ends those that were started with this folder as GANTRY_RUNC_SOCKETS. */
export async function endResidents(sockets: string): Promise<void> {
  for (const pid of findResidents(sockets)) process.kill(pid, "SIGKILL");
  while (findResidents(sockets).length > 0) await delay(5);
}

/** Processes in whose file of that name the text stands. */
export function findProcesses(file: string, text: string): readonly number[] {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name) && readIfThere(`/proc/${name}/${file}`).includes(text))
    .map(Number);
}

function readIfThere(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return ""; // it ended, or is a kernel thread
  }
}

/** The message of the last line of a log in text. */
export const messageOf = ({ stderr }: Result): string =>
  /msg="(.*)"$/m.exec(stderr)?.[1]?.replaceAll('\\"', '"') ?? "";
