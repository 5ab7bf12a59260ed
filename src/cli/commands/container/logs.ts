import type { Command } from "../../grammar/command.ts";
import { text, toggle } from "../../grammar/flags.ts";
import { parseMoment } from "../../moment.ts";
import { writeOutput } from "../../terminal/streams.ts";

const details = toggle("details", { about: "Show extra details provided to logs" });
const follow = toggle("follow", { short: "f", about: "Follow log output" });
const since = text("since", {
  about: 'Show logs since timestamp (e.g. "2013-01-02T13:23:37Z") or relative (e.g. "42m" for 42 minutes)',
});
const tail = text("tail", {
  short: "n",
  shown: "all",
  about: "Number of lines to show from the end of the logs",
});
const timestamps = toggle("timestamps", { short: "t", about: "Show timestamps" });
const until = text("until", {
  about: 'Show logs before a timestamp (e.g. "2013-01-02T13:23:37Z") or relative (e.g. "42m" for 42 minutes)',
});

export const command: Command = {
  usage: "[OPTIONS] CONTAINER",
  about: "Fetch the logs of a container",
  takes: [1, 1],
  flags: [details, follow, since, tail, timestamps, until],
  run: async ({ session, arguments: [name = ""], option, signal }) => {
    const engine = await session.engine(signal);
    const { Config, Id } = await engine.containers.inspect(name, signal);
    const now = session.surroundings.now();
    const chunks = await engine.containers.logs(
      Id ?? name,
      {
        stdout: true,
        stderr: true,
        details: option(details),
        follow: option(follow),
        since: parseMoment(option(since), now, "since"),
        tail: option(tail),
        timestamps: option(timestamps),
        until: parseMoment(option(until), now, "until"),
      },
      signal,
    );
    await writeOutput(chunks, Config?.Tty ?? false, session);
  },
};
