import assert from "node:assert/strict";
import { test } from "node:test";
import { applyChanges } from "./import-changes.ts";

for (const [changes, expected] of [
  [['CMD ["sh", "-c"]'], { Cmd: ["sh", "-c"] }],
  [["CMD echo hi"], { Cmd: ["/bin/sh", "-c", "echo hi"] }],
  [["CMD"], { Cmd: ["/bin/sh", "-c"] }],
  [["ENTRYPOINT []"], { Entrypoint: [] }],
  [["CMD a", 'ENTRYPOINT ["b"]'], { Entrypoint: ["b"], Cmd: ["/bin/sh", "-c", "a"] }],
  [['ENV A=1 B="two words" C=x\\ y', "env A 2 3  4"], { Env: ["A=2 3  4", "B=two words", "C=x y"] }],
  [
    ["EXPOSE 80 90/udp 100-101"],
    { ExposedPorts: { "80/tcp": {}, "90/udp": {}, "100/tcp": {}, "101/tcp": {} } },
  ],
  [["LABEL a=b \"c d\"='e f'", "LABEL g h i"], { Labels: { a: "b", "c d": "e f", g: "h i" } }],
  [['VOLUME /data "/x"', 'VOLUME ["/y z"]'], { Volumes: { "/data": {}, "/x": {}, "/y z": {} } }],
  [
    ["USER 5:6", "WORKDIR /w", "WORKDIR ../a/./b", "STOPSIGNAL SIGINT"],
    { User: "5:6", WorkingDir: "/a/b", StopSignal: "SIGINT" },
  ],
  [
    ["HEALTHCHECK --interval=5s --retries=2 CMD true"],
    { Healthcheck: { Test: ["CMD-SHELL", "true"], Interval: 5_000_000_000, Retries: 2 } },
  ],
  [['HEALTHCHECK CMD ["a"]'], { Healthcheck: { Test: ["CMD", "a"] } }],
  [["HEALTHCHECK NONE"], { Healthcheck: { Test: ["NONE"] } }],
  [["ONBUILD RUN x"], { OnBuild: ["RUN x"] }],
  [["", "# comment", "USER a\nUSER b"], { User: "b" }],
] as const) {
  test(`${JSON.stringify(changes)} is applied as dockerd does`, () => {
    assert.deepEqual(applyChanges(changes), expected);
  });
}

test("a new entry point takes the command of the old one away", () => {
  assert.deepEqual(applyChanges(['ENTRYPOINT ["a"]'], { Cmd: ["old"], User: "u" }), {
    Entrypoint: ["a"],
    User: "u",
  });
});

for (const [change, message] of [
  ["RUN x", "run is not a valid change command"],
  ["ENV", "ENV requires at least one argument"],
  ["ENV x", "ENV must have two arguments"],
  ["LABEL a", "LABEL must have two arguments"],
  ["EXPOSE 0x", "Invalid containerPort: 0x"],
  ["EXPOSE 70000", "Invalid containerPort: 70000"],
  ["ONBUILD FROM x", "FROM isn't allowed as an ONBUILD trigger"],
  ["ONBUILD ONBUILD x", "Chaining ONBUILD via `ONBUILD ONBUILD` isn't allowed"],
  ["HEALTHCHECK true", 'Unknown type "TRUE" in HEALTHCHECK (try CMD)'],
  ["HEALTHCHECK CMD", "Missing command after HEALTHCHECK CMD"],
  ["HEALTHCHECK --x=1 CMD a", "Unknown flag: x"],
] as const) {
  test(`${change} is refused: ${message}`, () => {
    assert.throws(() => applyChanges([change]), { kind: "invalid", message });
  });
}
