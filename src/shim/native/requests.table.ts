// What a supervisor (a container's shim, or the client of a command) is asked for: the letter of the frame, and the fields behind the
// request's number. tools/gen-requests.ts writes native/requests.gen.[ch] from it; native/PROTOCOL.md says what each does.

export const requests = {
  create: {
    letter: "c",
    fields: [
      // "": the init
      ["id", "str"],
      // 1, 2, 4: standard input, output, error. Without one the stream is /dev/null, or with `inherits` the supervisor's own, which
      // a terminal is joined to, too.
      ["pipes", "u32"],
      ["inherits", "bool"],
      ["stdinPath", "str"],
      ["stdoutPath", "str"],
      ["stderrPath", "str"],
      // Its input ends with the last client that feeds it.
      ["stdinOnce", "bool"],
      // What it says waits for its first client.
      ["held", "bool"],
      // How many descriptors from 3 on it keeps.
      ["preserved", "u32"],
      ["logPath", "str"],
      // What follows the text of a line of standard output and error, up to the time.
      ["logTail1", "str"],
      ["logTail2", "str"],
      ["logMaxSize", "u64"],
      ["logMaxFiles", "u32"],
      ["plan", "bytes"],
      // Removes what the plan did on the host, or nothing.
      ["undo", "bytes"],
    ],
  },
  start: { letter: "s", fields: [] },
  kill: {
    letter: "k",
    fields: [
      ["process", "living"],
      ["signal", "u32"],
    ],
  },
  resize: {
    letter: "r",
    fields: [
      ["process", "living"],
      ["rows", "u32"],
      ["columns", "u32"],
    ],
  },
  closeStdin: { letter: "i", fields: [["process", "living"]] },
  attach: {
    letter: "a",
    fields: [
      ["id", "str"],
      ["stdin", "bool"],
      ["stdout", "bool"],
      ["stderr", "bool"],
      ["early", "bool"],
    ],
  },
  status: { letter: "t", fields: [] },
  will: { letter: "w", fields: [["plan", "bytes"]] },
  plan: { letter: "P", fields: [["plan", "bytes"]] },
  // of the client of a command alone
  taken: { letter: "h", fields: [["seals", "bool"]] },
  output: {
    letter: "o",
    fields: [
      ["fd", "u32"],
      ["data", "bytes"],
    ],
  },
  hold: { letter: "B", fields: [] },
  wait: { letter: "W", fields: [] },
  exitWith: { letter: "X", fields: [["code", "u32"]] },
} as const;

export type RequestName = keyof typeof requests;

interface Kinds {
  readonly u32: number;
  readonly u64: number;
  readonly bool: boolean;
  readonly str: string;
  /** The id of a process that has not ended; another one fails the request with ESRCH. */
  readonly living: string;
  readonly bytes: Uint8Array;
}

export type RequestValues<K extends RequestName> = {
  readonly [F in (typeof requests)[K]["fields"][number] as F[0]]: Kinds[F[1]];
};
