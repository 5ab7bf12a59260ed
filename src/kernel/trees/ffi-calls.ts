// How functions of libc are called by node:ffi: their bindings, names as the kernel takes them, and errors.
//
// Names are strings of bytes, as Linux has them: each character is one ("latin1"); rawName makes them of text.

import { constants } from "node:os";
import { loadFfi, throwErrno } from "../libc.ts";

const { EINTR, EINVAL, ENAMETOOLONG } = constants.errno;
export const NAME_ROOM = 4096;

export const rawName = (text: string): string => Buffer.from(text).toString("latin1");

/** Memory for the names of one call. */
export const [name, otherName] = [Buffer.alloc(NAME_ROOM), Buffer.alloc(NAME_ROOM)];
/** The name "". */
export const empty = Buffer.alloc(1);

/** The name with its NUL in memory of ours. */
export function put(text: string, place: Buffer, call: string): Buffer {
  if (text.length >= NAME_ROOM) throwErrno(call, ENAMETOOLONG);
  if (text.includes("\0")) throwErrno(call, EINVAL);
  place.write(text, 0, "latin1");
  place[text.length] = 0;
  return place;
}

function load() {
  const ffi = loadFfi("openat2");
  const { functions } = ffi.dlopen(null, {
    __errno_location: { arguments: [], return: "pointer" },
    syscall: { arguments: ["i64", "i32", "buffer", "buffer", "u64"], return: "i64" },
    openat: { arguments: ["i32", "buffer", "i32", "u32"], return: "i32" },
    close: { arguments: ["i32"], return: "i32" },
    statx: { arguments: ["i32", "buffer", "i32", "u32", "buffer"], return: "i32" },
    getdents64: { arguments: ["i32", "buffer", "u64"], return: "i64" },
    readlinkat: { arguments: ["i32", "buffer", "buffer", "u64"], return: "i64" },
    flistxattr: { arguments: ["i32", "buffer", "u64"], return: "i64" },
    fgetxattr: { arguments: ["i32", "buffer", "buffer", "u64"], return: "i64" },
    setxattr: { arguments: ["buffer", "buffer", "buffer", "u64", "i32"], return: "i32" },
    mkdirat: { arguments: ["i32", "buffer", "u32"], return: "i32" },
    mknodat: { arguments: ["i32", "buffer", "u32", "u64"], return: "i32" },
    symlinkat: { arguments: ["buffer", "i32", "buffer"], return: "i32" },
    linkat: { arguments: ["i32", "buffer", "i32", "buffer", "i32"], return: "i32" },
    unlinkat: { arguments: ["i32", "buffer", "i32"], return: "i32" },
    renameat: { arguments: ["i32", "buffer", "i32", "buffer"], return: "i32" },
    fchownat: { arguments: ["i32", "buffer", "u32", "u32", "i32"], return: "i32" },
    ioctl: { arguments: ["i32", "u64", "i32"], return: "i32" },
    prctl: { arguments: ["i32", "u64", "u64", "u64", "u64"], return: "i32" },
    setfsuid: { arguments: ["u32"], return: "i32" },
    setfsgid: { arguments: ["u32"], return: "i32" },
    utimensat: { arguments: ["i32", "buffer", "buffer", "i32"], return: "i32" },
  });
  const place = functions.__errno_location(); // of this thread
  return { ...functions, errno: (): number => ffi.getInt32(place) };
}

let loaded: ReturnType<typeof load> | undefined;
/** The functions of libc, bound when they are first wanted. */
export const calls = (): ReturnType<typeof load> => {
  loaded ??= load();
  return loaded;
};

/** The result, or the negative errno; again if a signal came between. */
export function outcome(make: () => number | bigint): number {
  for (;;) {
    const result = Number(make());
    if (result >= 0) return result;
    const errno = calls().errno();
    if (errno !== EINTR) return -errno;
  }
}

/** Throws LibcError for a negative errno. */
export function checked(call: string, result: number): number {
  return result < 0 ? throwErrno(call, -result) : result;
}
