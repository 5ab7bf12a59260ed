import type { ExplainedStep } from "#client/system.ts";
import { alignColumns } from "#formats/table.ts";
import { ANY, type Command } from "../../grammar/command.ts";
import { optionalText, toggle } from "../../grammar/flags.ts";
import { ellipsis } from "../../output/texts.ts";
import { OPTIONS, optionFlags } from "../../run-options/flags.ts";
import { createRequest } from "../../run-options/request.ts";

const format = optionalText("format", { about: "Print the steps as 'json'" });

const noTrunc = toggle("no-trunc", { about: "Don't truncate output" });

const CALL_WIDTH = 120;

/** Tabs and newlines of an argument must not break the table. */
const oneLine = (text: string | undefined): string => (text ?? "").replace(/[\t\n]/g, " ");

/** The id that the container would have is in many paths, and long. */
const shortIds = (text: string): string => text.replace(/\b([0-9a-f]{12})[0-9a-f]{52}\b/g, "$1");

function table(steps: readonly ExplainedStep[], whole: boolean): string {
  const rows = steps.map(({ index, host, call, why }, at) => {
    const text = whole ? oneLine(call) : ellipsis(shortIds(oneLine(call)), CALL_WIDTH);
    return [String(index ?? at), host === true ? "host" : "child", text, oneLine(why)].join("\t");
  });
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
  flags: [...optionFlags, format, noTrunc],
  run: async (call) => {
    const { session, option, signal } = call;
    const wanted = option(format) ?? "";
    if (wanted !== "" && wanted !== "json") throw new Error(`invalid format: ${wanted}: must be "json"`);
    const request = createRequest(call, session, false);
    const engine = await session.engine(signal);
    const steps = await engine.system.explain(request, option(OPTIONS.name), signal);
    session.out(wanted === "json" ? `${JSON.stringify(steps, null, 2)}\n` : table(steps, option(noTrunc)));
  },
};
