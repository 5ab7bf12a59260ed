// What a list of device rules amounts to: later rules override earlier ones.

import { invalid } from "#base/errors.ts";
import type { DeviceRule } from "./resources.ts";

export interface DeviceException {
  readonly type: "c" | "b";
  /** -1 is any. */
  readonly major: number;
  readonly minor: number;
  /** Some of "rwm", in this order. */
  readonly access: string;
}

/** Everything is allowed (or denied) but the exceptions. */
export interface DevicePolicy {
  readonly allow: boolean;
  readonly exceptions: readonly DeviceException[];
}

const ANY = -1;

const always = (type: "c" | "b", major: number, minor: number, access: string) => ({
  allow: true,
  type,
  major,
  minor,
  access,
});

/** runc's additions to every container's rules: nodes may be made, and the devices below are for all. */
const baseDeviceRules: readonly (DeviceRule & DeviceException)[] = [
  always("c", ANY, ANY, "m"),
  always("b", ANY, ANY, "m"),
  always("c", 1, 3, "rwm"),
  always("c", 1, 8, "rwm"),
  always("c", 1, 7, "rwm"),
  always("c", 5, 0, "rwm"),
  always("c", 1, 5, "rwm"),
  always("c", 1, 9, "rwm"),
  always("c", 136, ANY, "rwm"),
  always("c", 5, 2, "rwm"),
  always("c", 10, 200, "rwm"), // /dev/net/tun
];

/** Nothing is allowed that no rule allows. Rules apply in their order: a later one, however wide, overrides what earlier ones gave or
 *  took (runc, as version 1 of the kernel, forgets only exceptions for the very same numbers: a wide denial leaves narrow grants). */
export const evaluateDeviceRules = (rules: readonly DeviceRule[]): DevicePolicy =>
  rules.reduce(applyRule, { allow: false, exceptions: [] });

/** The policy of a container: its rules, then what every container may do. */
export function containerDevicePolicy(rules: readonly DeviceRule[]): DevicePolicy {
  const policy = evaluateDeviceRules(rules);
  if (!policy.allow) return baseDeviceRules.reduce(applyRule, policy);
  // Where all is allowed but some, making the nodes of those stays denied.
  const isBase = (one: DeviceException): boolean => baseDeviceRules.some((rule) => sameDevice(rule, one));
  return { ...policy, exceptions: policy.exceptions.filter((exception) => !isBase(exception)) };
}

function applyRule(policy: DevicePolicy, rule: DeviceRule, index: number): DevicePolicy {
  const type = rule.type === undefined || rule.type === "" ? "a" : rule.type;
  if (!rule.access) throw invalid(`device access at ${index} field cannot be empty`);
  if (type === "a") return { allow: rule.allow, exceptions: [] };
  const change = exceptionOf(rule, type);
  return rule.allow === policy.allow ? withdraw(policy, change) : add(policy, change);
}

function exceptionOf(rule: DeviceRule, type: string): DeviceException {
  if (type !== "c" && type !== "b") throw invalid(`invalid cgroup device type "${type}"`);
  const access = [..."rwm"].filter((letter) => (rule.access ?? "").includes(letter)).join("");
  return { type, major: rule.major ?? ANY, minor: rule.minor ?? ANY, access };
}

type Numbers = Pick<DeviceException, "type" | "major" | "minor">;
const sameDevice = (a: Numbers, b: Numbers): boolean =>
  a.type === b.type && a.major === b.major && a.minor === b.minor;

function add(policy: DevicePolicy, change: DeviceException): DevicePolicy {
  const existing = policy.exceptions.find((exception) => sameDevice(exception, change));
  const access = [..."rwm"].filter((letter) => `${existing?.access ?? ""}${change.access}`.includes(letter));
  const merged = { ...change, access: access.join("") };
  const exceptions =
    existing === undefined
      ? [...policy.exceptions, merged]
      : policy.exceptions.map((exception) => (exception === existing ? merged : exception));
  return { ...policy, exceptions };
}

/** Takes rights back from the exceptions that the rule covers. */
function withdraw(policy: DevicePolicy, change: DeviceException): DevicePolicy {
  const exceptions = policy.exceptions.flatMap((exception) => {
    if (!overlaps(change, exception)) return [exception];
    if (!covers(change, exception))
      throw invalid(`device rule for ${nameOf(change)} contradicts the wider rule for ${nameOf(exception)}`);
    const access = [...exception.access].filter((letter) => !change.access.includes(letter)).join("");
    return access === "" ? [] : [{ ...exception, access }];
  });
  return { ...policy, exceptions };
}

const numberCovers = (wide: number, narrow: number): boolean => wide === ANY || wide === narrow;
const covers = (wide: DeviceException, narrow: DeviceException): boolean =>
  wide.type === narrow.type &&
  numberCovers(wide.major, narrow.major) &&
  numberCovers(wide.minor, narrow.minor);

function overlaps(a: DeviceException, b: DeviceException): boolean {
  const meets = (x: number, y: number): boolean => x === ANY || y === ANY || x === y;
  const shared = [...a.access].some((letter) => b.access.includes(letter));
  return shared && a.type === b.type && meets(a.major, b.major) && meets(a.minor, b.minor);
}

const numberText = (value: number): string => (value === ANY ? "*" : String(value));
const nameOf = ({ type, major, minor }: DeviceException): string =>
  `${type} ${numberText(major)}:${numberText(minor)}`;

export interface DeviceWrite {
  readonly file: "devices.allow" | "devices.deny";
  readonly value: string;
}

/** The writes that give a version 1 cgroup this policy. */
export function deviceWrites(policy: DevicePolicy): readonly DeviceWrite[] {
  const exceptions = policy.exceptions.map((exception) => ({
    file: policy.allow ? ("devices.deny" as const) : ("devices.allow" as const),
    value: `${nameOf(exception)} ${exception.access}`,
  }));
  return [{ file: policy.allow ? "devices.allow" : "devices.deny", value: "a" }, ...exceptions];
}
