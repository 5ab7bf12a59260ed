// Which slot of the executing process holds what. Every plan of this layer keeps to it.

export const ROOT_SLOT = 0;
/** A directory that the next operation works below. */
export const SCRATCH_SLOT = 1;
export const PTY_MASTER_SLOT = 2;
export const PTY_SLAVE_SLOT = 3;
/** While the mounts are made, before there is a terminal: a new mount, and the directory that it comes to lie on. */
export const NEW_MOUNT_SLOT = 2;
export const COVERED_SLOT = 3;
export const CGROUP_SLOT = 4;
/** Namespaces to join, one slot each. */
export const FIRST_NAMESPACE_SLOT = 5;
/** The FIFO that says when to start. */
export const START_SLOT = 28;
/** Where the shim puts its ends of the process's standard streams before the plan runs. */
export const STDIN_SLOT = 29;
export const STDOUT_SLOT = 30;
export const STDERR_SLOT = 31;
/** Detached mount trees that are made before the namespaces are entered. The slot before is the shim's connection. */
export const FIRST_TREE_SLOT = 33;
export const LAST_TREE_SLOT = 127;
