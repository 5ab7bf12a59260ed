// Where execvp(3) would look for a program, given the container's own PATH.

/** A name with a slash is a path; an empty element of PATH is the working directory. */
export function execCandidates(name: string, env: readonly string[]): readonly string[] {
  if (name.includes("/")) return [name];
  if (name === "") return [];
  const path = env.findLast((entry) => entry.startsWith("PATH="))?.slice("PATH=".length);
  if (path === undefined) return [];
  return path
    .split(":")
    .map((directory) => (directory === "" ? `./${name}` : `${directory.replace(/\/+$/, "")}/${name}`));
}

/** runc gives a process without HOME its user's home directory; without the image's passwd file the convention must do. */
export const withHome = (env: readonly string[], uid: number): readonly string[] =>
  env.some((entry) => entry.startsWith("HOME=")) ? env : [...env, `HOME=${uid === 0 ? "/root" : "/"}`];
