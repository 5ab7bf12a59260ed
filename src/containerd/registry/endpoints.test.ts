import assert from "node:assert/strict";
import { test } from "node:test";
import { planEndpoints } from "./endpoints.ts";

const config = {
  insecureRegistries: ["reg.test:5000", "10.0.0.0/8", "plain.test"],
  mirrors: ["https://mirror.test/", "http://127.0.0.1:5005"],
  certsDirs: [],
};

for (const [domain, expected] of [
  ["secure.test", ["https://secure.test verified"]],
  ["reg.test:5000", ["https://reg.test:5000", "http://reg.test:5000"]],
  ["reg.test:5001", ["https://reg.test:5001 verified"]],
  ["plain.test:81", ["https://plain.test:81", "http://plain.test:81"]],
  ["10.1.2.3:5000", ["https://10.1.2.3:5000", "http://10.1.2.3:5000"]],
  ["11.1.2.3", ["https://11.1.2.3 verified"]],
  ["127.8.9.10:5000", ["https://127.8.9.10:5000", "http://127.8.9.10:5000"]],
  ["localhost:5000", ["https://localhost:5000", "http://localhost:5000"]],
  ["[::1]:5000", ["https://[::1]:5000", "http://[::1]:5000"]],
  ["127.0.0.1.evil.test", ["https://127.0.0.1.evil.test verified"]],
  [
    "docker.io",
    [
      "https://mirror.test verified mirror",
      "http://127.0.0.1:5005 mirror",
      "https://registry-1.docker.io verified",
    ],
  ],
] as const) {
  test(`${domain} is reached at ${expected.join(", ")}`, () => {
    const shown = planEndpoints(domain, config).map(
      ({ api, verifyTls, mirror }) =>
        api.replace(/\/v2$/, "") + (verifyTls ? " verified" : "") + (mirror ? " mirror" : ""),
    );
    assert.deepEqual(shown, expected);
  });
}
