// /proc/PID/mountinfo (man 5 proc_pid_mountinfo).

export interface MountInfo {
  readonly id: number;
  readonly parentId: number;
  /** major:minor of the file system. */
  readonly device: string;
  /** Directory of the file system that is mounted. */
  readonly root: string;
  readonly mountPoint: string;
  readonly options: readonly string[];
  /** "shared:1", "master:2", "propagate_from:3", "unbindable". */
  readonly propagation: readonly string[];
  readonly fstype: string;
  readonly source: string;
  readonly superOptions: readonly string[];
}

export function parseMountInfo(text: string): readonly MountInfo[] {
  return text
    .split("\n")
    .filter((line) => line !== "")
    .map(parseLine);
}

function parseLine(line: string): MountInfo {
  const fields = line.split(" ");
  const dash = fields.indexOf("-", 6);
  const field = (index: number): string => unescapePath(fields[index] ?? "");
  return {
    id: Number(fields[0]),
    parentId: Number(fields[1]),
    device: field(2),
    root: field(3),
    mountPoint: field(4),
    options: field(5).split(","),
    propagation: fields.slice(6, dash),
    fstype: field(dash + 1),
    source: field(dash + 2),
    superOptions: field(dash + 3).split(","),
  };
}

/** Space, tab, newline and backslash are written in octal. */
const unescapePath = (text: string): string =>
  text.replace(/\\([0-7]{3})/g, (_, octal: string) => String.fromCharCode(Number.parseInt(octal, 8)));
