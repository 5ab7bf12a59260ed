// The demo's story as data: what is typed, and what it shows.

export type Step =
  | { readonly kind: "command"; readonly title: string; readonly words: readonly string[] }
  | { readonly kind: "import"; readonly title: string }
  | { readonly kind: "fetch"; readonly title: string; readonly url: string };

export const IMAGE = "busybox";
const CONTAINER = "webapp";
const PORT = 8080;

/** `since` bounds what `events` shows. */
export const story = (since: string): readonly Step[] => [
  { kind: "import", title: "Make an image of this machine's busybox" },
  { kind: "command", title: "The images that the engine holds", words: ["images"] },
  { kind: "command", title: "Run a command in a container", words: ["run", IMAGE, "echo", "Hello World"] },
  {
    kind: "command",
    title: "Start a web server in the background, its port 80 published",
    words: [
      "run",
      "-d",
      "--name",
      CONTAINER,
      "-p",
      `${PORT}:80`,
      IMAGE,
      "httpd",
      "-f",
      "-p",
      "80",
      "-h",
      "/www",
    ],
  },
  { kind: "fetch", title: "Fetch its page over HTTP", url: `http://127.0.0.1:${PORT}/` },
  {
    kind: "command",
    title: "Look inside: the processes that the container sees",
    words: ["exec", CONTAINER, "ps"],
  },
  { kind: "command", title: "All containers, running or not", words: ["ps", "-a"] },
  { kind: "command", title: "Stop the web server", words: ["stop", "-t", "1", CONTAINER] },
  {
    kind: "command",
    title: "What happened, as the engine saw it",
    words: [
      "events",
      "--since",
      since,
      "--until",
      "0s",
      "--format",
      "{{.Type}} {{.Action}} {{.Actor.Attributes.name}}",
    ],
  },
  { kind: "command", title: "What it takes on disk", words: ["system", "df"] },
  { kind: "command", title: "Clean up", words: ["system", "prune", "-f"] },
];

/** A command line as one would type it. */
export const shellLine = (words: readonly string[]): string =>
  words.map((word) => (/^[\w./:=@-]+$/.test(word) ? word : `'${word}'`)).join(" ");
