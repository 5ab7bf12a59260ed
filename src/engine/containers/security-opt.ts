// --security-opt, read into what the OCI spec needs.

import { invalid, unsupported } from "#base/errors.ts";
import type { Process } from "#spec/oci-runtime.ts";

export interface SecurityOptions {
  readonly noNewPrivileges: boolean;
  /** "builtin", "unconfined", or the profile's JSON text. */
  readonly seccomp: string;
  /** Profile that the machine's administrator has loaded; "" for none. */
  readonly apparmor: string;
}

export function parseSecurityOptions(options: readonly string[] | null): SecurityOptions {
  let noNewPrivileges = false;
  let seccomp = "builtin";
  let apparmor = "";
  for (const option of options ?? []) {
    const { key, value } = splitOption(option);
    if (key === "no-new-privileges") noNewPrivileges = parseFlag(option, value);
    else if (key === "seccomp") seccomp = value === "" ? "builtin" : value;
    else if (key === "apparmor") apparmor = value === "unconfined" ? "" : value;
    else checkLabel(option, key, value);
  }
  return { noNewPrivileges, seccomp, apparmor };
}

/** Of every process of the container. */
export function confinementOf(
  options: readonly string[] | null,
): Pick<Process, "noNewPrivileges" | "apparmorProfile"> {
  const { noNewPrivileges, apparmor } = parseSecurityOptions(options);
  return { noNewPrivileges, ...(apparmor !== "" && { apparmorProfile: apparmor }) };
}

function splitOption(option: string): { readonly key: string; readonly value: string } {
  if (option === "no-new-privileges") return { key: option, value: "true" };
  const separator = option.includes("=") ? "=" : ":"; // the colon is the old spelling
  const at = option.indexOf(separator);
  if (at < 0) throw invalid(`invalid --security-opt 1: "${option}"`);
  return { key: option.slice(0, at), value: option.slice(at + 1) };
}

function parseFlag(option: string, value: string): boolean {
  if (/^(1|t|T|TRUE|true|True)$/.test(value)) return true;
  if (/^(0|f|F|FALSE|false|False)$/.test(value)) return false;
  throw invalid(`invalid --security-opt 2: "${option}"`);
}

/** Labels that ask for no confinement are obeyed by doing nothing; others need a security module that Gantry does not drive yet. */
function checkLabel(option: string, key: string, value: string): void {
  if (key === "label" && value === "disable") return;
  if (key === "label" || key === "writable-cgroups") throw unsupported(`--security-opt ${option}`);
  throw invalid(`invalid --security-opt 2: "${option}"`);
}
