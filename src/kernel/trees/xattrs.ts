// Extended attributes of open files, by node:ffi (calls.ts tells how).

import { constants } from "node:os";
import { calls, checked, empty, name, otherName, outcome, put, rawName } from "./ffi-calls.ts";

const { ENODATA, EOPNOTSUPP } = constants.errno;
const attributeNames = Buffer.alloc(64 << 10);
const attributeValue = Buffer.alloc(64 << 10);

export interface Xattr {
  readonly name: string;
  readonly value: Uint8Array;
}

/** Of an open file or directory; what goes away meanwhile is left out. */
export function xattrsOf(fd: number): readonly Xattr[] {
  const size = outcome(() => calls().flistxattr(fd, attributeNames, BigInt(attributeNames.length)));
  if (size === 0 || size === -EOPNOTSUPP) return [];
  checked("flistxattr", size);
  const attributes: Xattr[] = [];
  for (const text of attributeNames.toString("latin1", 0, size - 1).split("\0")) {
    put(text, name, "fgetxattr");
    const room = BigInt(attributeValue.length);
    const length = outcome(() => calls().fgetxattr(fd, name, attributeValue, room));
    if (length === -ENODATA) continue;
    checked("fgetxattr", length);
    const value = Buffer.from(attributeValue.subarray(0, length));
    attributes.push({ name: Buffer.from(text, "latin1").toString(), value });
  }
  return attributes;
}

/** 0 or a negative errno. The fd may be one of a path. */
export function trySetXattr(fd: number, { name: attribute, value }: Xattr): number {
  put(`/proc/self/fd/${fd}`, name, "setxattr");
  put(rawName(attribute), otherName, "setxattr");
  const bytes = value.length === 0 ? empty : Buffer.from(value);
  return outcome(() => calls().setxattr(name, otherName, bytes, BigInt(value.length), 0));
}
