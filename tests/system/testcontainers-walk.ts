// Run by libraries.test.ts inside the engine's network namespace: what a testcontainers user does.

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
await container.stop();
