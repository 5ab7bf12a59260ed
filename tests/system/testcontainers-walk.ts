// Run by libraries.test.ts inside the engine's network namespace: what a testcontainers user does.

import { once } from "node:events";
import { GenericContainer, Wait } from "testcontainers";

const serve = "echo ready; echo hello >/var/www/index.html; exec httpd -f -p 80 -h /var/www";
const container = await new GenericContainer("busybox")
  .withCommand(["sh", "-c", serve])
  .withExposedPorts(80)
  .withWaitStrategy(Wait.forLogMessage("ready"))
  .start();
const { output } = await container.exec(["wget", "-qO-", "http://127.0.0.1/"]);
console.log(`exec: ${output.trim()}`);
const page = await fetch(`http://${container.getHost()}:${container.getMappedPort(80)}/`);
console.log(`port: ${(await page.text()).trim()}`);

const healthy = await new GenericContainer("busybox")
  .withCommand(["sh", "-c", "while :; do echo tick; sleep 0.1; done"])
  .withCopyContentToContainer([{ content: "copied", target: "/tmp/f" }])
  .withHealthCheck({
    test: ["CMD", "test", "-e", "/tmp/f"],
    interval: 200,
    timeout: 5000,
    retries: 50,
    startPeriod: 0,
  })
  .withWaitStrategy(Wait.forHealthCheck())
  .start();
console.log(`healthy: ${(await healthy.exec(["cat", "/tmp/f"])).output}`);
const awake = setInterval(() => {}, 1000); // testcontainers lets the program end while it reads logs
const logs = await healthy.logs();
const [line] = await once(logs, "data");
console.log(`logs: ${String(line).split("\n")[0]}`);
logs.destroy();
clearInterval(awake);
const image = await healthy.commit({ repo: "tc-made", tag: "v1", deleteOnExit: false });
await healthy.stop();
const made = await new GenericContainer("tc-made:v1").withCommand(["sleep", "1000"]).start();
console.log(`committed: ${(await made.exec(["cat", "/tmp/f"])).output}`);
await made.stop();
if (!image.startsWith("sha256:") && !image.includes("tc-made")) throw new Error(`commit gave ${image}`);
await container.stop();
