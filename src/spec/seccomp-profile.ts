// Docker's seccomp profiles: the OCI form, with groups of rules for some capabilities, architectures and kernels only.

import {
  array,
  type Decoded,
  DecodeError,
  type Decoder,
  integer,
  number,
  object,
  string,
  unknown,
} from "#base/decode.ts";
import { invalid } from "#base/errors.ts";
import { parseExactJson } from "#formats/exact-json.ts";
import { parseGoJson } from "#formats/go-json.ts";
import type { Seccomp, SeccompRule } from "./oci-runtime.ts";
import { defaultSeccompProfile } from "./seccomp-default.table.ts";

export interface ProfileTarget {
  /** What the container is granted: "CAP_SYS_ADMIN". */
  readonly capabilities: readonly string[];
  /** Node's name of the machine. */
  readonly arch: string;
  readonly kernel: { readonly major: number; readonly minor: number };
}

/** Numbers of 64 bits that JavaScript would round are refused, not rounded: a filter must say what its author wrote. */
const unsigned: Decoder<number> = (value, path) => {
  if (typeof value !== "bigint") return integer(value, path);
  if (value === 2n ** 64n - 1n || BigInt(Number(value)) === value) return Number(value);
  throw new DecodeError(path, "integer below 2^53", value);
};

const restriction = object({}, { caps: array(string), arches: array(string), minKernel: string });
const decodeProfile = object(
  {},
  {
    defaultAction: string,
    defaultErrnoRet: number,
    flags: array(string),
    listenerPath: string,
    listenerMetadata: string,
    architectures: array(string),
    archMap: array(object({}, { architecture: string, subArchitectures: array(string) })),
    syscalls: array(
      object(
        {},
        {
          name: string,
          names: array(string),
          action: string,
          errnoRet: number,
          args: array(object({}, { index: integer, value: unsigned, valueTwo: unsigned, op: string })),
          includes: restriction,
          excludes: restriction,
          comment: unknown,
        },
      ),
    ),
  },
);

type Profile = Decoded<typeof decodeProfile>;
type Group = NonNullable<Profile["syscalls"]>[number];

/** `profile`: the text of a profile's file. Throws what Docker answers for a faulty one. */
export function parseSeccompProfile(text: string, target: ProfileTarget): Seccomp {
  return resolveSeccompProfile(parseJson(text), target);
}

function parseJson(text: string): unknown {
  const parsed = parseGoJson(text);
  switch (parsed.kind) {
    case "value":
      return parseExactJson(text);
    case "empty":
      throw undecodable("unexpected end of JSON input");
    case "trailing":
      throw undecodable("invalid character after top-level value");
    case "error":
      throw undecodable(
        parsed.message === "unexpected EOF" ? "unexpected end of JSON input" : parsed.message,
      );
    default:
      return parsed satisfies never;
  }
}

const undecodable = (message: string, cause?: unknown): Error =>
  invalid(`Decoding seccomp profile failed: ${message}`, { cause });

export const builtinSeccompProfile = (target: ProfileTarget): Seccomp =>
  resolveSeccompProfile(defaultSeccompProfile, target);

/** `profile`: the value of a profile's JSON. The groups that apply to the target are left. */
function resolveSeccompProfile(profile: unknown, target: ProfileTarget): Seccomp {
  const {
    defaultAction = "",
    defaultErrnoRet,
    flags,
    listenerPath,
    listenerMetadata,
    ...rest
  } = decode(profile);
  const { architectures = [], archMap = [], syscalls = [] } = rest;
  if (defaultAction === "" && syscalls.length === 0) return { defaultAction: "SCMP_ACT_ALLOW" };
  if (architectures.length > 0 && archMap.length > 0)
    throw invalid(
      "both 'architectures' and 'archMap' are specified in the seccomp profile, use either 'architectures' or 'archMap'",
    );
  return {
    defaultAction,
    ...(defaultErrnoRet !== undefined && { defaultErrnoRet }),
    architectures: archMap.length > 0 ? chooseArchitectures(archMap, target) : architectures,
    ...(flags !== undefined && { flags }),
    ...(listenerPath !== undefined && { listenerPath }),
    ...(listenerMetadata !== undefined && { listenerMetadata }),
    syscalls: syscalls.filter((group) => applies(group, target)).map(toRule),
  };
}

function decode(profile: unknown): Profile {
  try {
    return decodeProfile(profile, "");
  } catch (error) {
    throw error instanceof DecodeError ? undecodable(error.message, error) : error;
  }
}

/** Node's name of a machine to the specification's and to Go's. */
const machines: Readonly<Record<string, { readonly oci: string; readonly go: string }>> = {
  x64: { oci: "SCMP_ARCH_X86_64", go: "amd64" },
  arm64: { oci: "SCMP_ARCH_AARCH64", go: "arm64" },
};

function chooseArchitectures(
  archMap: NonNullable<Profile["archMap"]>,
  { arch }: ProfileTarget,
): readonly string[] {
  const native = machines[arch]?.oci;
  const found = archMap.find(({ architecture }) => architecture === native);
  return found?.architecture === undefined ? [] : [found.architecture, ...(found.subArchitectures ?? [])];
}

function applies({ includes = {}, excludes = {} }: Group, target: ProfileTarget): boolean {
  const isHere = (arches: readonly string[]): boolean =>
    arches.includes(machines[target.arch]?.go ?? target.arch);
  const has = (capability: string): boolean => target.capabilities.includes(capability);
  if (includes.arches !== undefined && includes.arches.length > 0 && !isHere(includes.arches)) return false;
  if (excludes.arches !== undefined && isHere(excludes.arches)) return false;
  if (includes.caps?.every(has) === false || excludes.caps?.some(has) === true) return false;
  if (includes.minKernel !== undefined && !isAtLeast(target.kernel, includes.minKernel)) return false;
  return excludes.minKernel === undefined || !isAtLeast(target.kernel, excludes.minKernel);
}

function isAtLeast({ major, minor }: ProfileTarget["kernel"], version: string): boolean {
  const [, wantedMajor, wantedMinor] = /^(\d+)\.(\d+)$/.exec(version) ?? [];
  if (wantedMajor === undefined) throw undecodable(`invalid kernel version: "${version}"`);
  return major > Number(wantedMajor) || (major === Number(wantedMajor) && minor >= Number(wantedMinor));
}

function toRule({ name = "", names = [], action = "", errnoRet, args = [] }: Group): SeccompRule {
  if (name !== "" && names.length > 0)
    throw invalid(
      "both 'name' and 'names' are specified in the seccomp profile, use either 'name' or 'names'",
    );
  return {
    names: name === "" ? names : [name],
    action,
    ...(errnoRet !== undefined && { errnoRet }),
    ...(args.length > 0 && {
      args: args.map(({ index = 0, value = 0, valueTwo = 0, op = "" }) => ({ index, value, valueTwo, op })),
    }),
  };
}
