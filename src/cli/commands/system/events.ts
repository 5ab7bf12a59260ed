import type { ReportedEvent } from "#client/system.ts";
import type { Call, Command } from "../../grammar/command.ts";
import { ExitError } from "../../grammar/errors.ts";
import { optionalText, text } from "../../grammar/flags.ts";
import { messageFor } from "../../messages.ts";
import { parseMoment } from "../../moment.ts";
import { filterFlag, parseFilters } from "../../output/filters.ts";
import { templateHelp } from "../../output/inspection.ts";
import { compileFormat, executeFormat, TEMPLATE_ERROR } from "../../output/listing.ts";

const format = optionalText("format", { about: templateHelp });
const since = text("since", { about: "Show all events created since timestamp" });
const until = text("until", { about: "Stream events until this timestamp" });

/** RFC 3339 with nine digits in the local zone. */
function timeText({ time, timeNano }: ReportedEvent): string {
  const nano = timeNano === undefined ? BigInt(time ?? 0) * 1_000_000_000n : BigInt(timeNano);
  const date = new Date(Number(nano / 1_000_000n));
  const offset = -date.getTimezoneOffset();
  const local = new Date(date.getTime() + offset * 60_000).toISOString().slice(0, 19);
  const [hours, minutes] = [Math.trunc(Math.abs(offset) / 60), Math.abs(offset) % 60].map((part) =>
    String(part).padStart(2, "0"),
  );
  const zone = offset === 0 ? "Z" : `${offset < 0 ? "-" : "+"}${hours}:${minutes}`;
  return `${local}.${String(nano % 1_000_000_000n).padStart(9, "0")}${zone}`;
}

/** "TIME container start ID (image=busybox, name=web)". */
export function eventLine(event: ReportedEvent): string {
  const attributes = Object.entries(event.Actor?.Attributes ?? {})
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, value]) => `${name}=${value}`);
  const details = attributes.length === 0 ? "" : ` (${attributes.join(", ")})`;
  return `${timeText(event)} ${event.Type} ${event.Action} ${event.Actor?.ID}${details}\n`;
}

/** The names that templates of older days use beside the wire's. */
const templateData = (event: ReportedEvent): Readonly<Record<string, unknown>> => ({
  ...event,
  ...(event.status === undefined ? {} : { Status: event.status }),
  ...(event.id === undefined ? {} : { ID: event.id }),
  ...(event.from === undefined ? {} : { From: event.from }),
  Scope: event.scope,
  Time: event.time,
  TimeNano: event.timeNano,
});

/** In Docker's words for this command. */
const badFormat = (cause: unknown): ExitError =>
  new ExitError(64, messageFor(cause).replace(TEMPLATE_ERROR, "Error parsing format: "), { cause });

function worded<T>(step: () => T): T {
  try {
    return step();
  } catch (error) {
    throw badFormat(error);
  }
}

function formatter(wanted: string): (event: ReportedEvent) => string {
  if (wanted === "") return eventLine;
  if (wanted === "json" || wanted === "{{json .}}") {
    const whole = compileFormat("{{json .}}");
    return (event) => `${executeFormat(whole, event)}\n`;
  }
  const template = worded(() => compileFormat(wanted, { missingKey: "error" }));
  return (event) => worded(() => `${executeFormat(template, templateData(event))}\n`);
}

async function run({ session, option, signal }: Call): Promise<void> {
  const write = formatter(option(format) ?? "");
  const now = session.surroundings.now();
  const range = {
    since: parseMoment(option(since), now),
    until: parseMoment(option(until), now),
    filters: parseFilters(option(filterFlag)),
  };
  const engine = await session.engine(signal);
  for await (const event of await engine.system.events(range, signal)) session.out(write(event));
}

export const command: Command = {
  usage: "[OPTIONS]",
  about: "Get real time events from the server",
  takes: [0, 0],
  flags: [filterFlag, format, since, until],
  run,
};
