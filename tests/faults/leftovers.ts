// What containers had and none may leave, as long as their daemon runs.

import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { Engine } from "../system/engine.ts";
import { must } from "../system/process.ts";
import { until } from "../system/until.ts";

const list = (path: string): readonly string[] => {
  try {
    return readdirSync(path);
  } catch {
    return [];
  }
};

async function found({ dir, netns }: Engine): Promise<readonly string[]> {
  const links = (await must(["ip", "-o", "link"], { netns })).split("\n");
  const mounts = readFileSync("/proc/self/mountinfo", "utf8").split("\n");
  return [
    ...list(join(dir, "exec/tasks/moby")).map((name) => `task ${name}`),
    ...list(join(dir, "exec/netns")).map((name) => `namespace ${name}`),
    ...list(join(dir, "root/containers")).map((name) => `folder of ${name}`),
    ...links.filter((line) => line.includes("veth")),
    ...mounts.filter((line) => line.includes(`${dir}/`) && !line.includes(` ${dir}/root tmpfs`)),
  ];
}

/** What goes right after the answer is waited for. */
export async function leftovers(engine: Engine): Promise<readonly string[]> {
  await until(async () => (await found(engine)).length === 0);
  return found(engine);
}
