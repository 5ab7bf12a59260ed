// How a command ends when it does not succeed.

/** Ends the program with `code`; `message` (if any) goes to standard error as it is. */
export class ExitError extends Error {
  override readonly name = "ExitError";
  readonly code: number;

  constructor(code: number, message = "", options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

/** The command line is wrong: the command's usage is shown after the message. Exit code 125. */
export class FlagError extends Error {
  override readonly name = "FlagError";
}

/** Wrong number of arguments, or no such command. Exit code 1. */
export class ArgumentError extends Error {
  override readonly name = "ArgumentError";
  /** "Run" or "See" '… --help'. */
  readonly verb: "Run" | "SRun" | "See";

  constructor(message: string, verb: "Run" | "SRun" | "See" = "Run") {
    super(message);
    this.verb = verb;
  }
}
