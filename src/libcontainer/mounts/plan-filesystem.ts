// A mount of a file system with mount(2), whose options must fit into one page.

import type { Op } from "#kernel/plan/ops.ts";

export interface FilesystemMount {
  readonly why: string;
  readonly fstype: string;
  readonly source: string;
  readonly target: string;
  readonly root?: number;
  readonly flags: number;
  readonly data: readonly string[];
}

/** mount(2) copies one page, the terminator included. */
const MAX_DATA = 4000;

export function planFilesystem(mount: FilesystemMount): Op {
  const { data, ...rest } = mount;
  return { op: "mount", ...rest, ...shorten(data) };
}

/** Long lists of overlay directories are written relative to the directory they share. */
function shorten(options: readonly string[]): { readonly data: string; readonly cwd?: string } {
  const data = options.join(",");
  if (data.length <= MAX_DATA) return { data };
  const cwd = sharedDirectory(options.flatMap(directoriesOf));
  if (cwd === "") return { data };
  const relative = options.map((option) => {
    const directories = directoriesOf(option);
    if (directories.length === 0) return option;
    const key = option.slice(0, option.indexOf("=") + 1);
    return key + directories.map((directory) => directory.slice(cwd.length + 1)).join(":");
  });
  return { data: relative.join(","), cwd };
}

/** Those that an option of overlayfs names. */
export const directoriesOf = (option: string): readonly string[] =>
  /^(?:lowerdir|upperdir|workdir)=(.*)$/.exec(option)?.[1]?.split(":") ?? [];

/** "" if there is none but the root. */
export function sharedDirectory(paths: readonly string[]): string {
  const [first = ""] = paths;
  let directory = first.slice(0, Math.max(0, first.lastIndexOf("/")));
  while (directory !== "" && !paths.every((path) => path.startsWith(`${directory}/`)))
    directory = directory.slice(0, directory.lastIndexOf("/"));
  return directory;
}
