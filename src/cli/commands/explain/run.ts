import type { ExplainedStep } from "#client/system.ts";
import { alignColumns } from "#formats/table.ts";
import { ANY, type Command } from "../../grammar/command.ts";
import { optionalText } from "../../grammar/flags.ts";
import { OPTIONS, optionFlags } from "../../run-options/flags.ts";
import { createRequest } from "../../run-options/request.ts";

const format = optionalText("format", { about: "Print the steps as 'json'" });

/** Tabs and newlines of an argument must not break the table. */
const oneLine = (text: string | undefined): string => (text ?? "").replace(/[\t\n]/g, " ");

function table(steps: readonly ExplainedStep[]): string {
  const rows = steps.map((step, at) =>
    [String(step.index ?? at), oneLine(step.side), oneLine(step.call), oneLine(step.why)].join("\t"),
  );
  return alignColumns(`${["STEP\tSIDE\tSYSTEM CALL\tWHY", ...rows].join("\n")}\n`, {
    minWidth: 4,
    padding: 2,
  });
}

export const command: Command = {
  usage: "[OPTIONS] IMAGE [COMMAND] [ARG...]",
  about: "Show every system call that a run would make, and why",
  takes: [1, ANY],
  passThrough: true,
  flags: [...optionFlags, format],
  run: async (call) => {
    const { session, option, signal } = call;
    const wanted = option(format) ?? "";
    if (wanted !== "" && wanted !== "json") throw new Error(`invalid format: ${wanted}: must be "json"`);
    const request = createRequest(call, session.surroundings.env, false);
    const engine = await session.engine(signal);
    const steps = await engine.system.explain(request, option(OPTIONS.name), signal);
    session.out(wanted === "json" ? `${JSON.stringify(steps, null, 2)}\n` : table(steps));
  },
};
