// Numbers of the kernel's interface that steps carry, under the kernel's names. Those that differ between machines are Node's.

import { constants } from "node:fs";

export const { O_DIRECTORY, O_NOFOLLOW } = constants;
export const O_RDONLY = 0;
export const O_WRONLY = 1;
export const O_RDWR = 2;
export const O_ACCMODE = 3;
export const O_CREAT = 0o100;
export const O_EXCL = 0o200;
export const O_NOCTTY = 0o400;
export const O_NONBLOCK = 0o4000;
export const O_CLOEXEC = 0o2000000;
export const O_PATH = 0o10000000;
export const RESOLVE_NO_XDEV = 1;
export const RESOLVE_NO_MAGICLINKS = 2;
export const RESOLVE_IN_ROOT = 16;

export const AT_FDCWD = -100;
export const AT_SYMLINK_NOFOLLOW = 0x100;
export const AT_REMOVEDIR = 0x200;
export const AT_EACCESS = 0x200;
export const AT_EMPTY_PATH = 0x1000;
export const AT_RECURSIVE = 0x8000;
export const X_OK = 1;

export const S_IFMT = 0o170000;
export const S_IFIFO = 0o010000;
export const S_IFCHR = 0o020000;
export const S_IFDIR = 0o040000;
export const S_IFREG = 0o100000;
export const S_IFLNK = 0o120000;
export const S_IFSOCK = 0o140000;

export const EPERM = 1;
export const ENOENT = 2;
export const EBADF = 9;
export const EAGAIN = 11;
export const EACCES = 13;
export const EBUSY = 16;
export const EEXIST = 17;
export const EXDEV = 18;
export const ENODEV = 19;
export const ENOTDIR = 20;
export const EISDIR = 21;
export const ENAMETOOLONG = 36;
export const ENOSYS = 38;
export const ENOTEMPTY = 39;
export const EINVAL = 22;
export const ELOOP = 40;
export const EBADMSG = 74;
export const EOPNOTSUPP = 95;
export const ETIMEDOUT = 110;
export const ECHILD = 10;
export const ESRCH = 3;
export const ECANCELED = 125;

export const CLONE_PIDFD = 0x1000;
export const CLONE_PARENT = 0x8000;
export const CLONE_NEWUSER = 0x1000_0000;
export const CLONE_NEWNET = 0x4000_0000;
export const CLONE_INTO_CGROUP = 2 ** 33;
export const SIGKILL = 9;
export const SIGCHLD = 17;

export const OPEN_TREE_CLONE = 1;
export const MOVE_MOUNT_EMPTY_PATHS = 0x44;
export const FSOPEN_CLOEXEC = 1;
export const FSMOUNT_CLOEXEC = 1;
export const FSCONFIG_SET_FLAG = 0;
export const FSCONFIG_SET_STRING = 1;
export const FSCONFIG_CMD_CREATE = 6;
/** Read-only, without setuid, devices and programs. */
export const MOUNT_ATTR_INERT = 0xf;
export const MOUNT_ATTR_RDONLY = 1;
export const MNT_DETACH = 2;

export const DEVPTS_SUPER_MAGIC = 0x1cd1;
export const PROC_SUPER_MAGIC = 0x9fa0;
export const TCGETS = 0x5401;
export const TIOCSCTTY = 0x540e;
export const TIOCSWINSZ = 0x5414;
export const TIOCSPTLCK = 0x4004_5431;
export const TIOCGPTPEER = 0x5441;
export const F_GETFD = 1;
export const F_SETFL = 4;
export const POLLIN = 1;

export const AF_UNIX = 1;
export const AF_NETLINK = 16;
export const SOCK_STREAM = 1;
export const SOCK_DGRAM = 2;
export const SOCK_RAW = 3;
export const SOCK_NONBLOCK = 0o4000;
export const SOCK_CLOEXEC = 0o2000000;
export const SOL_SOCKET = 1;
export const SCM_RIGHTS = 1;
export const MSG_DONTWAIT = 0x40;
export const MSG_NOSIGNAL = 0x4000;
export const SO_REUSEADDR = 2;
export const SOL_NETLINK = 270;
export const NETLINK_ADD_MEMBERSHIP = 1;
export const SO_RCVTIMEO = 20;
export const SO_SNDTIMEO = 21;
export const SO_SNDBUFFORCE = 32;
export const SO_RCVBUFFORCE = 33;
export const NETLINK_ROUTE = 0;
export const NETLINK_NETFILTER = 12;

export const PR_SET_PDEATHSIG = 1;
export const PR_CAPBSET_DROP = 24;
export const PR_CAP_AMBIENT = 47;
export const PR_CAP_AMBIENT_RAISE = 2;
export const PR_CAP_AMBIENT_CLEAR_ALL = 4;
export const CAPABILITY_VERSION_3 = 0x2008_0522;
export const SECCOMP_SET_MODE_FILTER = 1;
export const CLOSE_RANGE_CLOEXEC = 4;
export const KEYCTL_JOIN_SESSION_KEYRING = 1;
export const IOPRIO_WHO_PROCESS = 1;

export const BPF_PROG_LOAD = 5;
export const BPF_PROG_ATTACH = 8;
export const BPF_PROG_DETACH = 9;
export const BPF_PROG_GET_FD_BY_ID = 13;
export const BPF_PROG_QUERY = 16;
export const BPF_PROG_TYPE_CGROUP_DEVICE = 15;
export const BPF_CGROUP_DEVICE = 6;
export const BPF_F_ALLOW_MULTI = 2;

/** linux/fs.h, linux/quota.h: the command of Q_SETQUOTA for PRJQUOTA. */
export const FS_IOC_FSGETXATTR = 0x801c581f;
export const FS_IOC_FSSETXATTR = 0x401c5820;
export const FS_XFLAG_PROJINHERIT = 0x200;
export const Q_SETQUOTA_OF_PROJECT = 0x80000802;
export const QIF_BLIMITS = 1;
