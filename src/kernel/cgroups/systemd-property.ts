// Single properties of units.

import { invalid } from "#base/errors.ts";
import type { DbusVariant } from "#formats/dbus/signature.ts";
import type { UnitProperty } from "../systemd/units.ts";
import { parseList } from "./read-files.ts";

export interface SystemdFacts {
  readonly cgroupVersion: 1 | 2;
  readonly systemdVersion: number;
}

/** systemd's "infinity". */
const INFINITY = 2n ** 64n - 1n;

export const property = (name: string, signature: string, value: DbusVariant["value"]): UnitProperty => ({
  name,
  value: { signature, value },
});

/** -1 is no limit. */
export const count = (name: string, value: number | bigint): UnitProperty =>
  property(name, "t", value < 0 ? INFINITY : BigInt(value));

const DEFAULT_PERIOD = 100_000;
const SECOND = 1_000_000;
/** systemd counts whole per cents. */
const PER_CENT = 10_000;

/** Microseconds of each second. */
const shareOf = (quota: number, period: number): number =>
  Math.ceil((quota * SECOND) / (period || DEFAULT_PERIOD) / PER_CENT) * PER_CENT;

/** The quota as systemd will set it, for the cgroup's own file. */
export const roundQuota = (quota: number, period: number): number =>
  quota > 0 ? Math.floor((shareOf(quota, period) * (period || DEFAULT_PERIOD)) / SECOND) : quota;

export function quotaProperties(
  quota: number,
  period: number,
  { systemdVersion }: SystemdFacts,
): readonly UnitProperty[] {
  if (quota === 0 && period === 0) return [];
  return [
    ...(period !== 0 && systemdVersion >= 242 ? [count("CPUQuotaPeriodUSec", period)] : []),
    count("CPUQuotaPerSecUSec", quota > 0 ? shareOf(quota, period) : -1),
  ];
}

/** A bit for each processor or node of a list. */
export function maskProperties(
  name: string,
  list: string | undefined,
  { systemdVersion }: SystemdFacts,
): readonly UnitProperty[] {
  if (list === undefined || list === "" || systemdVersion < 244) return [];
  const compact = list.replaceAll(" ", "");
  if (!/^\d{1,5}(-\d{1,5})?(,\d{1,5}(-\d{1,5})?)*$/.test(compact)) throw invalid(`invalid list: ${list}`);
  const numbers = parseList(compact);
  const mask = new Uint8Array(Math.floor(Math.max(...numbers) / 8) + 1);
  for (const number of numbers) mask[number >> 3] = (mask[number >> 3] ?? 0) | (1 << (number & 7));
  return [property(name, "ay", mask)];
}
