// How `run`, `create` and `start` report that a container could not be started: Docker's exit codes.

import { ExitError } from "./grammar/errors.ts";
import { messageFor } from "./messages.ts";
import { PROGRAM } from "./version.ts";

const NOT_FOUND = 127;
const NOT_EXECUTABLE = 126;
const FAILED = 125;

/** The code for a message of the daemon, which is all that tells why the command did not run. */
function startFailureCode(message: string): number {
  if (
    /executable file not found|no such file or directory|system cannot find the file specified/.test(message)
  )
    return NOT_FOUND;
  return /permission denied|is a directory/.test(message) ? NOT_EXECUTABLE : FAILED;
}

/** The command line does not describe a container. */
export const describeFailure = (error: unknown, verb: string): ExitError =>
  error instanceof ExitError ? error : withHelp(FAILED, messageFor(error), verb);

const withHelp = (code: number, message: string, verb: string): ExitError =>
  new ExitError(code, `${PROGRAM}: ${message}\n\nRun '${PROGRAM} ${verb} --help' for more information`);

/** What was thrown on the way to a running container, as the end of the program. */
export function startFailure(error: unknown, verb: string): ExitError {
  if (error instanceof ExitError) return error;
  const message = messageFor(error);
  return withHelp(startFailureCode(message), message, verb);
}
