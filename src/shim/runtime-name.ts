// A container's execution driver may be any OCI runtime of the machine, by the name or path of its program.

const scheme = "program:";

/** The name of the driver that runs this program. */
export const runtimeOfProgram = (program: string): string => `${scheme}${program}`;

/** undefined for a driver that is not named by a program. */
export const programOfRuntime = (runtime: string): string | undefined =>
  runtime.startsWith(scheme) ? runtime.slice(scheme.length) : undefined;
