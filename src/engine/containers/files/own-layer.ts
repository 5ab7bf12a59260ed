// What in a container's own layer is the engine's doing, and no change of the container's.

/** Places for mounts: those of init-files.ts, and what a first start makes where the image has none. */
export const mountPlaces: readonly string[] = [
  ...["dev", "proc", "sys", "dev/console", "dev/pts", "dev/shm", "dev/mqueue", "sys/fs", "sys/fs/cgroup"],
  ...["etc/hosts", "etc/hostname", "etc/resolv.conf", "etc/mtab", ".dockerenv"],
  "etc",
];
