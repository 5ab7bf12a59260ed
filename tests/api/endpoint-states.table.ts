// What each endpoint of endpoints.table.ts is with us. Written by hand from the routes and tests; endpoints.test.ts holds it against both.

export interface ParamState {
  readonly state: "works" | "refused" | "differs";
  readonly note: string;
}

export interface EndpointState {
  readonly state: ParamState["state"];
  /** What differs, or the refusal's words. */
  readonly note?: string;
  /** Beside requests-beside-dockerd.test.ts: files, or "file: title". */
  readonly tests?: readonly string[];
  /** Those that do not simply work. */
  readonly params?: Readonly<Record<string, ParamState>>;
}

const works = (...tests: readonly string[]): EndpointState => ({ state: "works", tests });
const refused = (note: string): EndpointState => ({ state: "refused", note });

const containers = "tests/side-by-side/verbs.test.ts";
const files = "tests/containers/files.test.ts";
const walk = "tests/system/walk.suite.ts";
const newer = "tests/api/newer-versions.test.ts";
const newest = "tests/api/newest-versions.test.ts";
const debug = refused('404 "page not found", as dockerd without --debug');
const experiment: EndpointState = {
  ...works(
    "tests/containers/checkpoint.test.ts",
    "tests/containers/checkpoint-criu.test.ts",
    "tests/side-by-side/checkpoints.test.ts",
  ),
  note: "with --experimental, as with dockerd; containers with a terminal, no-new-privileges, a read-only root, a user namespace, shared IPC or the host's processes, and paused ones, are refused by name",
};
const unsupported = (line: string): EndpointState =>
  refused(`400 "${line} is not supported by this version of Gantry"`);

export const endpointStates: Readonly<Record<string, EndpointState>> = {
  "GET /containers/json": works(containers, newest, "tests/cli/listings.test.ts"),
  "POST /containers/create": works(
    newest,
    "tests/containers/secrets.test.ts: clients of the API send them with the request",
    "src/engine/containers/create-request.test.ts",
    "tests/system/faults.test.ts",
  ),
  "GET /containers/{id}/json": works(newest, "tests/side-by-side/listings.test.ts"),
  "GET /containers/{id}/top": {
    ...works(containers, "src/engine/containers/ps-columns.test.ts"),
    params: {
      ps_args: {
        state: "differs",
        note: "-ef, aux and -o are answered from /proc; other options are refused by name, where dockerd runs the host's ps",
      },
    },
  },
  "GET /containers/{id}/logs": works("tests/logs/lifecycle.test.ts", "src/engine/logs/read.test.ts", newest),
  "GET /containers/{id}/changes": works(files, "tests/side-by-side/files.test.ts"),
  "GET /containers/{id}/export": works(files, "tests/side-by-side/files.test.ts"),
  "GET /containers/{id}/stats": works(walk, newest, "tests/cli/containers.test.ts"),
  "POST /containers/{id}/resize": works("tests/cli/terminal.test.ts"),
  "POST /containers/{id}/start": {
    ...works("src/engine/containers/lifecycle.test.ts"),
    params: {
      detachKeys: { state: "works", note: "means nothing, as with dockerd" },
      checkpoint: { state: "works", note: "with --experimental, as with dockerd" },
      "checkpoint-dir": { state: "works", note: "403, as with dockerd" },
    },
  },
  "POST /containers/{id}/stop": works(newer, "src/engine/containers/lifecycle.test.ts"),
  "POST /containers/{id}/restart": works(newer),
  "POST /containers/{id}/kill": works(containers),
  "POST /containers/{id}/update": works(
    newest,
    "tests/system/cgroups.test.ts: run and update set what version 2 calls it",
  ),
  "POST /containers/{id}/rename": works(containers),
  "POST /containers/{id}/pause": works(containers),
  "POST /containers/{id}/unpause": works(containers),
  "POST /containers/{id}/attach": works(
    "tests/cli/terminal.test.ts",
    "src/engine/containers/lifecycle.test.ts",
  ),
  "GET /containers/{id}/attach/ws": works(
    newer,
    "src/api/server.test.ts: a WebSocket client and a handler talk",
  ),
  "POST /containers/{id}/wait": works("src/engine/containers/lifecycle.test.ts", "tests/cli/run.test.ts"),
  "DELETE /containers/{id}": works(containers, "src/engine/containers/links.test.ts"),
  "HEAD /containers/{id}/archive": works(files),
  "GET /containers/{id}/archive": works(files, "tests/attacks/docker-cp.test.ts"),
  "PUT /containers/{id}/archive": works(files, "tests/attacks/docker-cp.test.ts"),
  "POST /containers/prune": works("tests/api/events.test.ts: prunes tell what they have reclaimed"),
  "POST /containers/{id}/exec": works(containers),
  "POST /exec/{id}/start": {
    ...works(containers),
    state: "differs",
    note: "a second start is refused with 409, where dockerd writes the refusal into the stream of a 200",
  },
  "POST /exec/{id}/resize": works("tests/cli/terminal.test.ts"),
  "GET /exec/{id}/json": works("tests/system/libraries.test.ts"),
  "POST /commit": works(files),
  "GET /info": works("tests/system/daemon.test.ts", newest, "src/api/routes/system.test.ts"),
  "GET /version": works("src/api/routes/system.test.ts"),
  "GET /_ping": works("src/api/routes/system.test.ts"),
  "HEAD /_ping": works("src/api/server.test.ts: HEAD has no body"),
  "GET /events": works("tests/api/events.test.ts", newest, "src/engine/events/journaled.test.ts"),
  "GET /system/df": works(
    newer,
    newest,
    "src/api/routes/system.test.ts",
    "tests/api/daemon.test.ts: sizes are those of a real dockerd",
  ),
  "OPTIONS /{anyroute}": works(),
  "POST /auth": works("tests/images/login.test.ts"),
  "POST /session": unsupported("POST /session (BuildKit session)"),
  "GET /containers/{id}/checkpoints": experiment,
  "POST /containers/{id}/checkpoints": experiment,
  "DELETE /containers/{id}/checkpoints/{checkpoint}": experiment,
  "GET /debug/vars": debug,
  "GET /debug/pprof/": debug,
  "GET /debug/pprof/cmdline": debug,
  "GET /debug/pprof/profile": debug,
  "GET /debug/pprof/symbol": debug,
  "GET /debug/pprof/trace": debug,
  "GET /debug/pprof/{name}": debug,
};
