// --security-opt, read into what the OCI spec needs.

import { invalid, unsupported } from "#base/errors.ts";
import type { Process } from "#spec/oci-runtime.ts";
import type { HostFacts } from "./host-facts.ts";

export interface SecurityOptions {
  readonly noNewPrivileges: boolean;
  /** Whether the container may change its own cgroup's files; undefined: only if it is privileged. */
  readonly writableCgroups: boolean | undefined;
  /** "builtin", "unconfined", or the profile's JSON text. */
  readonly seccomp: string;
  /** Profile that the machine's administrator has loaded; "" for none. */
  readonly apparmor: string;
  /** SELinux labels: "type:foo_t". */
  readonly labels: readonly string[];
}

/** Throws in Docker's words for what it does not know. */
export function parseSecurityOptions(options: readonly string[] | null): SecurityOptions {
  const given = (options ?? []).map((option) => ({ option, ...splitOption(option) }));
  for (const { option, key } of given)
    if (!known.includes(key)) throw invalid(`invalid --security-opt 2: "${option}"`);
  const all = (key: string) => given.filter((item) => item.key === key);
  const flag = (key: string): boolean | undefined =>
    all(key)
      .map((item) => parseFlag(item.option, item.value))
      .at(-1);
  const apparmor = all("apparmor").at(-1)?.value ?? "";
  return {
    noNewPrivileges: flag("no-new-privileges") ?? false,
    writableCgroups: flag("writable-cgroups"),
    seccomp: all("seccomp").at(-1)?.value || "builtin",
    apparmor: apparmor === "unconfined" ? "" : apparmor,
    labels: all("label").flatMap(({ value }) => (value === "disable" ? [] : [value])),
  };
}

const flags = new Set(["no-new-privileges", "writable-cgroups"]);
const known = ["no-new-privileges", "writable-cgroups", "seccomp", "apparmor", "label"];

/** Of every process of the container. Profiles and labels are for machines with the module: `securityWarnings` tells of the others. */
export function confinementOf(
  options: readonly string[] | null,
  host: Modules,
): Pick<Process, "noNewPrivileges" | "apparmorProfile"> {
  const { noNewPrivileges, apparmor, labels } = parseSecurityOptions(options);
  if (labels.length > 0 && host.securityModules?.has("selinux"))
    throw unsupported(`--security-opt label=${labels[0]}`);
  const confined = apparmor !== "" && host.securityModules?.has("apparmor");
  return { noNewPrivileges, ...(confined && { apparmorProfile: apparmor }) };
}

type Modules = Pick<HostFacts, "securityModules">;

/** What was asked for and has no module here to do it. */
export function securityWarnings(options: readonly string[] | null, host: Modules): readonly string[] {
  const { apparmor, labels } = parseSecurityOptions(options);
  const modules = host.securityModules ?? new Set();
  return [
    ...(apparmor !== "" && !modules.has("apparmor")
      ? [`This machine has no AppArmor: the container runs without the profile ${apparmor}`]
      : []),
    ...(labels.length > 0 && !modules.has("selinux")
      ? ["This machine has no SELinux: the container runs without a label"]
      : []),
  ];
}

function splitOption(option: string): { readonly key: string; readonly value: string } {
  if (flags.has(option)) return { key: option, value: "true" };
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
