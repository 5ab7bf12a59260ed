import { open } from "node:fs/promises";
import { canonicalName, parseReference } from "#formats/reference.ts";
import type { Call, Command } from "../../grammar/command.ts";
import { list, text } from "../../grammar/flags.ts";
import { showProgress } from "../../output/progress.ts";

const change = list("change", { short: "c", about: "Apply Dockerfile instruction to the created image" });
const message = text("message", { short: "m", about: "Set commit message for imported image" });
const platform = text("platform", { about: "Set platform if server is multi-platform capable" });

interface Source {
  readonly from: string;
  readonly body?: AsyncIterable<Uint8Array>;
}

/** What to send, and what to call it: "-" with a body, or a URL for the daemon to fetch. A file is open as long as `scope`. */
async function openSource({ session }: Call, source: string, scope: AsyncDisposableStack): Promise<Source> {
  if (/^https?:\/\//.test(source)) return { from: source };
  if (source === "-") return { from: "-", body: session.surroundings.stdin };
  const file = scope.use(await open(source));
  return { from: "-", body: file.createReadStream({ autoClose: false }) };
}

export const command: Command = {
  usage: "[OPTIONS] file|URL|- [REPOSITORY[:TAG]]",
  about: "Import the contents from a tarball to create a filesystem image",
  takes: [1, 2],
  flags: [change, message, platform],
  run: async (call) => {
    const {
      session,
      arguments: [source = "", name],
      option,
      signal,
    } = call;
    const reference = name === undefined || name === "" ? undefined : parseReference(name);
    const engine = await session.engine(signal);
    await using scope = new AsyncDisposableStack();
    const { from, body } = await openSource(call, source, scope);
    const options = {
      ...(reference === undefined ? {} : { repo: canonicalName(reference) }),
      ...(reference?.tag === undefined ? {} : { tag: reference.tag }),
      message: option(message),
      platform: option(platform),
      changes: option(change),
    };
    await showProgress(engine.images.import(from, options, body, signal), session.surroundings.stdout);
  },
};
