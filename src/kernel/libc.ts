// Single calls of the C library that Node has no function for, by node:ffi. What needs more than one call is a plan's.

import { closeSync } from "node:fs";
import { constants } from "node:os";

/** Throws with the errno's name as `code`; "ENOSYS" under a Node that has no node:ffi. */
export class LibcError extends Error {
  override readonly name = "LibcError";
  readonly call: string;
  readonly code: string;

  constructor(call: string, code: string) {
    super(`${call}: ${code}`);
    this.call = call;
    this.code = code;
  }
}

const AF_UNIX = 1;
const SOCK_DGRAM = 2;
const SOCK_NONBLOCK = 0o4000;
const SOCK_CLOEXEC = 0o2000000;
const AT_FDCWD = -100;
const RENAME_EXCHANGE = 2;
/** Of sun_path with its zero byte. */
const PATH_BYTES = 108;

export function loadFfi(call: string): typeof import("node:ffi") {
  const ffi = process.getBuiltinModule("node:ffi");
  if (ffi === undefined) throw new LibcError(call, "ENOSYS");
  return ffi;
}

const nameOf = (errno: number): string =>
  Object.entries(constants.errno).find(([, number]) => number === errno)?.[0] ?? `errno ${errno}`;

const errorOf = (call: string, ffi: typeof import("node:ffi"), place: bigint): LibcError =>
  new LibcError(call, nameOf(ffi.getInt32(place)));

export function throwErrno(call: string, errno: number): never {
  throw new LibcError(call, nameOf(errno));
}

/** A descriptor of a non-blocking datagram socket: each write to it is one message. The caller closes it. */
export function connectUnixDatagrams(path: string): number {
  const ffi = loadFfi("connect");
  const name = Buffer.from(path);
  if (name.length >= PATH_BYTES) throw new LibcError("connect", "ENAMETOOLONG");
  using library = ffi.dlopen(null, {
    socket: { arguments: ["i32", "i32", "i32"], return: "i32" },
    connect: { arguments: ["i32", "buffer", "u32"], return: "i32" },
    __errno_location: { arguments: [], return: "pointer" },
  });
  const { socket, connect, __errno_location: errnoPlace } = library.functions;
  const place = errnoPlace();
  const address = Buffer.alloc(2 + PATH_BYTES);
  address.writeUInt16LE(AF_UNIX, 0);
  address.set(name, 2);
  const fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0) throw errorOf("socket", ffi, place);
  if (connect(fd, address, 2 + name.length + 1) === 0) return fd;
  const error = errorOf("connect", ffi, place);
  closeSync(fd);
  throw error;
}

/** The two names change places in one step; both must exist. */
export function exchangeNames(first: string, second: string): void {
  const ffi = loadFfi("renameat2");
  using library = ffi.dlopen(null, {
    renameat2: { arguments: ["i32", "string", "i32", "string", "u32"], return: "i32" },
    __errno_location: { arguments: [], return: "pointer" },
  });
  const { renameat2, __errno_location: errnoPlace } = library.functions;
  const place = errnoPlace();
  if (renameat2(AT_FDCWD, first, AT_FDCWD, second, RENAME_EXCHANGE) !== 0)
    throw errorOf("renameat2", ffi, place);
}
