// A recorded cgroup made anew as files, for tests (see fixtures/README.md).

import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { type CgroupPaths, cgroupPaths } from "./paths.ts";

export interface RecordedTree extends Disposable {
  readonly paths: CgroupPaths;
  /** Of a file as version 1 sorts them ("memory/memory.stat"), or as version 2 has them. */
  pathOf(file: string): string;
}

/** The cgroup "/x" of a machine that has these hierarchies. */
export function openRecordedTree(version: 1 | 2): RecordedTree {
  const root = mkdtempSync(join(tmpdir(), "gantry-cgroups-"));
  const text = readFileSync(join(import.meta.dirname, `fixtures/version-${version}.txt`), "utf8");
  const controllers = new Set<string>();
  const pathOf = (file: string): string => {
    const [controller = "", ...names] = file.split("/");
    return version === 1 ? join(root, controller, "x", ...names) : join(root, "x", file);
  };
  for (const part of text.split(/^== /m).slice(1)) {
    const end = part.indexOf("\n");
    const file = part.slice(0, end);
    if (version === 1) controllers.add(file.slice(0, file.indexOf("/")));
    mkdirSync(dirname(pathOf(file)), { recursive: true });
    writeFileSync(pathOf(file), part.slice(end + 1));
  }
  const v1 = [...controllers].map((name) => ({
    controllers: [name],
    mountPoint: join(root, name),
    own: "/",
  }));
  const layout = version === 1 ? { v1 } : { v1: [], v2: { controllers: [], mountPoint: root, own: "/" } };
  return {
    paths: cgroupPaths(layout, "/x"),
    pathOf,
    [Symbol.dispose]: () => rmSync(root, { recursive: true }),
  };
}
