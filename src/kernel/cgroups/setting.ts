// Building lists of settings.

import type { CgroupSetting } from "./resources.ts";

export const setting = (controller: string, file: string, value: number | string): CgroupSetting => ({
  controller,
  file,
  value: String(value),
});

type Wish = readonly [file: string, value: number | string | undefined];

export const given = (controller: string, wishes: readonly Wish[]): readonly CgroupSetting[] =>
  wishes.flatMap(([file, value]) => (value === undefined ? [] : [setting(controller, file, value)]));

/** 0 is "not given" in the specification's Go ancestry. */
export const nonZero = (value: number | undefined): number | undefined => (value === 0 ? undefined : value);

export const optional = (settings: readonly CgroupSetting[]): readonly CgroupSetting[] =>
  settings.map((one) => ({ ...one, optional: true }));

/** Values that the kernel checks against each other: whether the first fits before or after the second depends on what is set now. */
export function around(
  first: readonly CgroupSetting[],
  second: readonly CgroupSetting[],
): readonly CgroupSetting[] {
  if (second.length === 0) return first;
  return [...first.map((one) => ({ ...one, repeated: true })), ...second, ...first];
}
