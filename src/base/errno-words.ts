// What the system says of an error, as Go prints it.

const WORDS: Readonly<Record<string, string>> = {
  E2BIG: "argument list too long",
  EACCES: "permission denied",
  EADDRINUSE: "address already in use",
  EADDRNOTAVAIL: "cannot assign requested address",
  EAGAIN: "resource temporarily unavailable",
  EBUSY: "device or resource busy",
  EEXIST: "file exists",
  EINVAL: "invalid argument",
  EISDIR: "is a directory",
  ELOOP: "too many levels of symbolic links",
  ENAMETOOLONG: "file name too long",
  ENODEV: "no such device",
  ENOENT: "no such file or directory",
  ENOEXEC: "exec format error",
  ENOMEM: "cannot allocate memory",
  ENOSPC: "no space left on device",
  ENOTDIR: "not a directory",
  ENOTSUP: "operation not supported",
  EOPNOTSUPP: "operation not supported",
  EPERM: "operation not permitted",
  ERANGE: "numerical result out of range",
  EROFS: "read-only file system",
  ETXTBSY: "text file busy",
};

/** `code`: "ENOENT". One that is not known stays as it is. */
export const wordsOf = (code: string): string => WORDS[code] ?? code;
