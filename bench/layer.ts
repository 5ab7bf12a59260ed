// A layer to measure with.

import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { must } from "../tests/system/process.ts";

/** Files of this machine's /usr as an archive: compresses and unpacks as real layers do. They are in the folder `within`, if that is told. */
export async function makeLayer(
  dir: string,
  megabytes: number,
  within?: string,
): Promise<{ archive: string; files: number }> {
  const listed = await must([
    "find",
    "/usr/share",
    "/usr/lib",
    "-xdev",
    "-type",
    "f",
    "-size",
    "-4M",
    "-printf",
    "%s %P %h/%f\\n",
  ]);
  const names: string[] = [];
  let total = 0;
  for (const line of listed.split("\n").toSorted()) {
    if (total > megabytes * 1e6 || line === "") continue;
    total += Number(line.split(" ")[0]);
    names.push(line.slice(line.indexOf(" /") + 1));
  }
  await writeFile(join(dir, "names"), names.join("\n"));
  const archive = join(dir, "layer.tar");
  const place = within === undefined ? "" : `${within}/`;
  await must(["tar", "-P", "-cf", archive, "--transform", `s,^/,${place},`, "-T", join(dir, "names")]);
  return { archive, files: names.length };
}
