// gantry-runc beside the runtimes of the machine: the whole command, from its start to its end, on one bundle.

import { execFile, spawnSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { makeBundle } from "../tests/runc/runc-bundle.ts";
import { measurePair, timed } from "./pair.ts";
import type { Row, Target } from "./report.ts";

const program = join(import.meta.dirname, "../bin/gantry-runc");
const run = promisify(execFile);

const targets: Readonly<Record<string, Target>> = {
  runc: { text: "less time", advantage: 1 },
  crun: { text: "as crun", advantage: 1 },
};

/** Beside the runtimes that run here; `runs` pairs each. crun refuses machines that have controllers of both cgroup versions. */
export async function measureRuntimes(runs: number): Promise<Row[]> {
  const rows: Row[] = [];
  for (const [name, target] of Object.entries(targets)) {
    await using bundle = await makeBundle({
      args: ["/bin/true"],
      change: (config) => {
        config.linux = { ...config.linux, cgroupsPath: "/gantry-bench" };
      },
    });
    understoodByAll(bundle.path);
    const trial = ["--root", join(bundle.path, name), "run", "trial"];
    if (spawnSync(name, trial, { cwd: bundle.path }).status !== 0) continue;
    const theirs = (...words: readonly string[]) =>
      timed(() => run(name, ["--root", join(bundle.path, name), ...words], { cwd: bundle.path }));
    const ours = (...words: readonly string[]) =>
      timed(() => run(program, [...bundle.globals, ...words], { cwd: bundle.path, env: bundle.env }));
    const row = async (what: string, ...words: readonly string[]): Promise<Row> => ({
      ...(await measurePair({
        name: `${what}, against ${name}`,
        unit: "ms",
        rounds: runs,
        ours: () => ours(...words),
        theirs: () => theirs(...words),
      })),
      target,
    });
    rows.push(await row("`gantry-runc run` of `true`", "run", "bench"));
    rows.push(await row("`gantry-runc --version`", "--version"));
  }
  return rows;
}

/** crun of Debian 12 knows the specification up to 1.0. */
function understoodByAll(bundle: string): void {
  const path = join(bundle, "config.json");
  const config: unknown = JSON.parse(readFileSync(path, "utf8"));
  writeFileSync(path, JSON.stringify({ ...Object(config), ociVersion: "1.0.2" }));
}

if (import.meta.main) {
  const { renderRows } = await import("./report.ts");
  process.stdout.write(`${renderRows(await measureRuntimes(Number(process.argv[2] ?? 30)))}\n`);
}
