// What --version says, in the lines that runc's callers read.

/** The version of the OCI runtime specification that is implemented. */
export const SPEC_VERSION = "1.2.0";

export function versionText({
  version,
  commit,
}: {
  readonly version: string;
  readonly commit: string;
}): string {
  return [
    version,
    ...(commit === "" ? [] : [`commit: ${commit}`]),
    `spec: ${SPEC_VERSION}`,
    `node: ${process.version}`,
  ].join("\n");
}
