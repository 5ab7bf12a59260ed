import { setTimeout as sleep } from "node:timers/promises";
import type { Call, Command } from "../../grammar/command.ts";
import { ExitError } from "../../grammar/errors.ts";
import { toggle } from "../../grammar/flags.ts";
import { awaitProgress } from "../../output/progress.ts";
import { PROGRAM } from "../../version.ts";
import { needBusybox, packBusybox } from "./busybox.ts";
import { type PrivateEngine, startPrivateEngine } from "./private-engine.ts";
import { IMAGE, type Step, shellLine, story } from "./story.ts";

const yes = toggle("yes", {
  short: "y",
  about: "Install busybox-static if this machine has no static busybox",
});

const FETCH_ATTEMPTS = 50;

interface Stage {
  readonly call: Call;
  readonly engine: PrivateEngine;
  readonly busybox: string;
  readonly signal: AbortSignal;
}

/** Tells a heading, does the work, and says how long it took. */
async function tell(call: Call, title: string, work: () => Promise<void>): Promise<void> {
  call.session.out(`\n== ${title}\n`);
  const start = performance.now();
  await work();
  call.session.out(`-- ${(performance.now() - start).toFixed(1)} ms\n`);
}

async function importImage({ engine, busybox, signal }: Stage): Promise<void> {
  const options = { repo: IMAGE, tag: "latest", message: "made by gantry demo", changes: ['CMD ["sh"]'] };
  const archive = await packBusybox(busybox);
  await awaitProgress(engine.engine.images.import("-", options, archive, signal));
}

/** The server may need a moment to listen. busybox's nc, for its wget crashes when it is static. */
async function fetchPage({ engine, busybox, signal }: Stage, url: string): Promise<string> {
  const { hostname, port, pathname } = new URL(url);
  const request = `GET ${pathname} HTTP/1.0\r\nHost: ${hostname}\r\n\r\n`;
  for (let attempt = 1; ; attempt++) {
    try {
      const answer = await engine.runInNetwork([busybox, "nc", "-w", "5", hostname, port], request);
      if (!/^HTTP\/1\.\d 200 /.test(answer)) throw new Error(`${url} answered: ${answer.split("\r\n")[0]}`);
      return answer.slice(answer.indexOf("\r\n\r\n") + 4);
    } catch (error) {
      if (attempt >= FETCH_ATTEMPTS || signal.aborted) throw error;
      await sleep(20, undefined, { signal });
    }
  }
}

async function runWords({ call, engine, signal }: Stage, words: readonly string[]): Promise<void> {
  const code = await call.session.runWords(["--host", engine.host, ...words], signal);
  signal.throwIfAborted();
  if (code !== 0) throw new ExitError(code, `${PROGRAM} demo: "${PROGRAM} ${shellLine(words)}" failed`);
}

async function perform(stage: Stage, step: Step): Promise<void> {
  const { session } = stage.call;
  switch (step.kind) {
    case "import":
      session.out(`$ ${PROGRAM} import --change 'CMD ["sh"]' busybox.tar ${IMAGE}\n`);
      return await importImage(stage);
    case "fetch":
      session.out(`$ curl ${step.url}\n`);
      return session.out(await fetchPage(stage, step.url));
    case "command":
      session.out(`$ ${PROGRAM} ${shellLine(step.words)}\n`);
      return await runWords(stage, step.words);
    default:
      return step satisfies never;
  }
}

/** Aborts when the user interrupts, so that what the demo started is ended before the program is. */
function interruption(call: Call, scope: DisposableStack): AbortSignal {
  const controller = new AbortController();
  const { onSignal } = call.session.surroundings;
  for (const name of ["SIGINT", "SIGTERM", "SIGHUP"] as const)
    scope.use(onSignal(name, () => controller.abort()));
  return AbortSignal.any([call.signal, controller.signal]);
}

async function run(call: Call): Promise<void> {
  using scope = new DisposableStack();
  const signal = interruption(call, scope);
  try {
    await show(call, signal);
  } catch (error) {
    throw signal.aborted ? interrupted(error) : error;
  }
}

const interrupted = (cause: unknown): ExitError =>
  new ExitError(130, `\n${PROGRAM} demo: interrupted; its engine has ended and nothing of it is left`, {
    cause,
  });

async function show(call: Call, signal: AbortSignal): Promise<void> {
  const { session } = call;
  const busybox = await needBusybox(call.option(yes), signal);
  const { daemonProgram, now } = session.surroundings;
  const since = String(Math.floor(now() / 1000));
  session.out("Gantry's demo: a container's life, in an engine of its own that leaves nothing behind.\n");
  await using resources = new AsyncDisposableStack();
  let engine: PrivateEngine | undefined;
  await tell(call, "Start an engine with its own folders, socket and network", async () => {
    engine = resources.use(await startPrivateEngine(daemonProgram, signal));
    await engine.runInNetwork([busybox, "ip", "link", "set", "lo", "up"], "");
  });
  if (engine === undefined) return;
  const stage: Stage = { call, engine, busybox, signal };
  for (const step of story(since)) await tell(call, step.title, () => perform(stage, step));
  await tell(call, "End the engine and remove all of it", () => resources.disposeAsync());
}

export const command: Command = {
  usage: "[OPTIONS]",
  about: "Make an image of this machine's busybox and show a container's life, without a network",
  takes: [0, 0],
  flags: [yes],
  run,
};
