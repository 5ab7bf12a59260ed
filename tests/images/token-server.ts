// A program: a token server for registries, as the distribution project describes them, for one user.
//
//   token-server.ts PORT KEY CERTIFICATE      user "user", password "secret"; prints a line for each request

import { createHash, createPrivateKey, randomUUID, sign, X509Certificate } from "node:crypto";
import { readFileSync } from "node:fs";
import { createServer, type IncomingMessage } from "node:http";
import { text } from "node:stream/consumers";

const [port = "", keyFile = "", certificateFile = ""] = process.argv.slice(2);
const key = createPrivateKey(readFileSync(keyFile));
const certificate = new X509Certificate(readFileSync(certificateFile)).raw.toString("base64");
const refreshToken = `refresh-${createHash("sha256").update(readFileSync(keyFile)).digest("hex")}`;

const encode = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString("base64url");

/** A JSON Web Token that allows what the scopes ask for; the repositories below "private" are for the user only. */
function makeToken(subject: string, service: string, scopes: readonly string[]): string {
  const access = scopes
    .map((scope) => /^(\w+):(.+):([\w,*]+)$/.exec(scope))
    .filter((found) => found !== null)
    .filter(([, , name = ""]) => subject !== "" || !name.startsWith("private/"))
    .map(([, type, name, actions = ""]) => ({
      type,
      name,
      actions: actions.split(",").filter((action) => subject !== "" || action === "pull"),
    }));
  const now = Math.floor(Date.now() / 1000);
  const head = encode({ typ: "JWT", alg: "ES256", x5c: [certificate] });
  const claims = {
    iss: "gantry-tests",
    sub: subject,
    aud: service,
    exp: now + 300,
    nbf: now - 10,
    iat: now,
    jti: randomUUID(),
    access,
  };
  const signed = `${head}.${encode(claims)}`;
  const signature = sign("sha256", Buffer.from(signed), { key, dsaEncoding: "ieee-p1363" });
  return `${signed}.${signature.toString("base64url")}`;
}

interface Asked {
  readonly subject: string | undefined;
  readonly service: string;
  readonly scopes: readonly string[];
  readonly offline: boolean;
}

/** `subject` is "" for nobody, undefined for who is not who he says. */
async function read(request: IncomingMessage): Promise<Asked> {
  if (request.method === "POST") {
    const form = new URLSearchParams(await text(request));
    const known = form.get("grant_type") === "refresh_token" && form.get("refresh_token") === refreshToken;
    const scopes = (form.get("scope") ?? "").split(" ");
    return {
      subject: known ? "user" : undefined,
      service: form.get("service") ?? "",
      scopes,
      offline: false,
    };
  }
  const { searchParams } = new URL(request.url ?? "", "http://localhost");
  const { authorization } = request.headers;
  const subject = authorization === `Basic ${btoa("user:secret")}` ? "user" : undefined;
  return {
    subject: authorization === undefined ? "" : subject,
    service: searchParams.get("service") ?? "",
    scopes: searchParams.getAll("scope"),
    offline: searchParams.get("offline_token") === "true",
  };
}

const server = createServer(async (request, response) => {
  const { subject, service, scopes, offline } = await read(request);
  console.log(`${request.method} ${subject ?? "nobody"} ${scopes.join(" ")}`);
  response.setHeader("Content-Type", "application/json");
  if (subject === undefined) {
    const errors = [{ code: "UNAUTHORIZED", message: "incorrect username or password" }];
    response.writeHead(401).end(JSON.stringify({ errors }));
    return;
  }
  const token = makeToken(subject, service, scopes);
  const refresh = offline && subject !== "" ? { refresh_token: refreshToken } : {};
  response.end(JSON.stringify({ token, access_token: token, expires_in: 300, ...refresh }));
});
server.listen(Number(port), "127.0.0.1", () => console.log("listening"));
