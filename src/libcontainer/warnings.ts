// What was asked for and cannot be granted on this machine is told, not failed on.

export type Warn = (message: string) => void;
