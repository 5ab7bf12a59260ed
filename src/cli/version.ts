// The client's name and version, as it prints them.

export const PROGRAM = "gantry";
export const VERSION = "0.1.0";
