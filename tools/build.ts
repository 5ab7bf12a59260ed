// Bundles the programs into dist/: one CommonJS file each, which starts twice as fast as modules do.
//   node tools/build.ts [--types]
// --types: also what describes the package's exports to TypeScript, in dist/types; for those who publish it.
// A finished bundle replaces the old one by rename, so that running programs and concurrent starts never see half a file.

import { execFileSync } from "node:child_process";
import {
  existsSync,
  globSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { dirname, join, relative } from "node:path";
import { type BuildOptions, build } from "esbuild";

const root = join(import.meta.dirname, "..");
const dist = join(root, "dist");

/** Bundle name to its entry; those not written yet are left out. */
const entries: Readonly<Record<string, string>> = {
  gantry: "src/main/gantry.ts",
  "gantry-resident": "src/main/gantry-resident.ts",
  gantryd: "src/main/gantryd.ts",
  "gantry-containerd": "src/main/gantry-containerd.ts",
  "gantry-runc": "src/main/gantry-runc.ts",
  engine: "src/main/embedded-engine.ts",
  client: "src/main/client.ts",
  libcontainer: "src/main/libcontainer.ts",
  "unpack-worker": "src/main/unpack-worker.ts",
  "tree-worker": "src/main/tree-worker.ts",
  "size-worker": "src/engine/disk/size-worker.ts",
  "hash-worker": "src/containerd/content/hash-worker.ts",
};

function gitCommit(): string {
  try {
    return execFileSync("git", ["rev-parse", "--short=10", "HEAD"], {
      cwd: root,
      encoding: "utf8",
      stdio: ["ignore", "pipe", "ignore"],
    }).trim();
  } catch {
    return ""; // not a checkout
  }
}

const settings: BuildOptions = {
  absWorkingDir: root,
  bundle: true,
  platform: "node",
  target: "node26",
  format: "cjs",
  legalComments: "none",
  logLevel: "warning",
  logLimit: 5,
  banner: { js: 'const importMetaUrl = require("node:url").pathToFileURL(__filename).href;' },
  define: {
    "import.meta.url": "importMetaUrl",
    "import.meta.dirname": "__dirname",
    "import.meta.filename": "__filename",
    "process.env.GANTRY_GIT_COMMIT": JSON.stringify(gitCommit()),
    "process.env.GANTRY_BUILD_TIME": JSON.stringify(new Date().toISOString()),
  },
};

/** Each bundle by itself: a fault in one program leaves the others built. */
async function buildProgram(name: string, entry: string): Promise<void> {
  const unfinished = join(dist, `.${name}.${process.pid}.cjs`);
  await build({ ...settings, entryPoints: [entry], outfile: unfinished });
  renameSync(unfinished, join(dist, `${name}.cjs`));
}

/** Imports are told as a program that has only the package finds them. */
function buildTypes(): void {
  const types = join(dist, "types");
  rmSync(types, { recursive: true, force: true });
  execFileSync(join(root, "node_modules/.bin/tsc"), ["-p", join(root, "tools/types.tsconfig.json")], {
    stdio: "inherit",
  });
  for (const file of globSync("**/*.d.ts", { cwd: types })) {
    const text = readFileSync(join(types, file), "utf8").replace(
      /(from |import\()"([#.][^"]+)\.ts"/g,
      (_, before: string, path: string) => {
        const target = path.startsWith("#") ? relative(dirname(file), path.slice(1)) : path;
        return `${before}"${target.startsWith(".") ? target : `./${target}`}.js"`;
      },
    );
    writeFileSync(join(types, file), text);
  }
}

mkdirSync(dist, { recursive: true });
const started = new Date();
const builds = await Promise.allSettled(
  Object.entries(entries)
    .filter(([, path]) => existsSync(join(root, path)))
    .map(([name, path]) => buildProgram(name, path)),
);
if (builds.some(({ status }) => status === "rejected")) {
  process.exitCode = 1; // esbuild has printed why
} else {
  if (process.argv.includes("--types")) buildTypes();
  const stamp = join(dist, "stamp"); // bin/launch.sh compares with it
  writeFileSync(stamp, "");
  utimesSync(stamp, started, started);
}
