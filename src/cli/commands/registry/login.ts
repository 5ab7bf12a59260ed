import { text as readAll } from "node:stream/consumers";
import { ApiError } from "#client/api-error.ts";
import { credentialsFor, HUB, hostOf, storeCredentials } from "../../credentials.ts";
import type { Call, Command } from "../../grammar/command.ts";
import { optionalText, toggle } from "../../grammar/flags.ts";
import { promptLine } from "../../prompt.ts";
import type { Session } from "../../session.ts";

const user = optionalText("username", { short: "u", about: "Username" });
const password = optionalText("password", {
  short: "p",
  about: "Password or Personal Access Token (PAT)",
});
const fromStdin = toggle("password-stdin", {
  about: "Take the Password or Personal Access Token (PAT) from stdin",
});

interface Given {
  readonly username: string;
  readonly password: string;
}

export const command: Command = {
  usage: "[OPTIONS] [SERVER]",
  about: "Authenticate to a registry.\nDefaults to Docker Hub if no server is specified.",
  takes: [0, 1],
  flags: [password, fromStdin, user],
  run: async (call) => {
    const {
      session,
      arguments: [server = ""],
      signal,
    } = call;
    const given = await readGiven(call);
    const name = server === "" || server === "docker.io" || server === HUB ? HUB : hostOf(server);
    const stored =
      given.username === "" && given.password === ""
        ? await credentialsFor(session, name, signal)
        : undefined;
    const known = { username: stored?.username ?? "", password: stored?.password ?? "" };
    if (known.username !== "" && known.password !== "" && (await tryStored(session, name, known, signal)))
      return;
    const asked = await askMissing(session, given, known.username, signal);
    session.out(`${await login(session, name, asked, signal)}\n`);
  },
};

/** Throws in Docker's words for what contradicts itself. */
async function readGiven({ session, option }: Call): Promise<Given> {
  const [username, secret] = [option(user), option(password)];
  if (option(fromStdin) && secret !== undefined)
    throw new Error("conflicting options: cannot specify both --password and --password-stdin");
  if (option(fromStdin) && username === undefined)
    throw new Error("the --password-stdin option requires --username to be set");
  if (username === "") throw new Error("username is empty");
  if (secret === "") throw new Error("password is empty");
  if (secret !== undefined)
    session.err("WARNING! Using --password via the CLI is insecure. Use --password-stdin.\n");
  if (!option(fromStdin)) return { username: username ?? "", password: secret ?? "" };
  const read = (await readAll(session.surroundings.stdin)).replace(/\r?\n$|\r$/, "");
  if (read.trim() === "") throw new Error("password is empty");
  return { username: username ?? "", password: read };
}

/** False if they hold no longer. */
async function tryStored(
  session: Session,
  server: string,
  known: Given,
  signal: AbortSignal,
): Promise<boolean> {
  session.err(`Authenticating with existing credentials... [Username: ${known.username}]\n`);
  session.err(
    "\n Info -> To login with a different account, run 'docker logout' followed by 'docker login'\n\n\n",
  );
  try {
    session.out(`${await login(session, server, known, signal)}\n`);
    return true;
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    session.err(
      error.status === 401
        ? "Stored credentials invalid or expired\n"
        : `Login did not succeed, error: Error response from daemon: ${error.message}\n`,
    );
    return false;
  }
}

async function askMissing(
  session: Session,
  given: Given,
  known: string,
  signal: AbortSignal,
): Promise<Given> {
  const { stdin } = session.surroundings;
  if (given.username !== "" && given.password !== "") return given;
  if (stdin.isTTY !== true)
    throw new Error("Error: Cannot perform an interactive login from a non TTY device");
  const question = known === "" ? "Username: " : `Username (${known}): `;
  const username =
    given.username || (await promptLine(session, question, { hidden: false }, signal)) || known;
  if (username === "") throw new Error("Error: Non-null Username Required");
  const secret = given.password || (await promptLine(session, "Password: ", { hidden: true }, signal));
  if (secret === "") throw new Error("Error: Password Required");
  return { username, password: secret };
}

/** What the daemon says when the registry takes them; they are kept then. */
async function login(
  session: Session,
  server: string,
  { username, password: secret }: Given,
  signal: AbortSignal,
): Promise<string> {
  const engine = await session.engine(signal);
  const asked = { username, password: secret, serveraddress: server };
  const { Status = "", IdentityToken = "" } = await engine.system.login(asked, signal);
  const kept =
    IdentityToken === "" ? { username, password: secret } : { username, identitytoken: IdentityToken };
  const before = session.settings.auths?.[server]?.auth !== undefined;
  if (!(await storeCredentials(session, server, kept, signal)) && !before) warnOfFile(session);
  return Status;
}

function warnOfFile(session: Session): void {
  session.err(`
WARNING! Your credentials are stored unencrypted in '${session.connection.configFolder}/config.json'.
Configure a credential helper to remove this warning. See
https://docs.docker.com/go/credential-store/

`);
}
