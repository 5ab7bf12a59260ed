// The daemon's program: settings, pid file, engine, addresses, signals.

import { helpText, readCommandLine } from "./daemon/command-line.ts";
import { openLog } from "./daemon/log.ts";
import { currentRelease } from "./daemon/release.ts";
import { runDaemon } from "./daemon/run.ts";

async function main(args: readonly string[]): Promise<number> {
  const request = readCommandLine(args);
  switch (request.kind) {
    case "help":
      console.log(helpText());
      return 0;
    case "version": {
      const { version, gitCommit } = currentRelease();
      console.log(`Gantry version ${version}, build ${gitCommit || "unknown"}`);
      return 0;
    }
    case "validated":
      console.error("configuration OK");
      return 0;
    case "run": {
      const { settings } = request;
      const log = openLog({
        write: (line) => void process.stderr.write(line),
        now: () => new Date(),
        level: settings.logLevel,
        format: settings.logFormat,
      });
      return await runDaemon(args, settings, log);
    }
    default:
      return request satisfies never;
  }
}

main(process.argv.slice(2)).then(
  (code) => process.exit(code),
  (error: unknown) => {
    console.error(error instanceof Error ? error.message : String(error));
    process.exit(1);
  },
);
