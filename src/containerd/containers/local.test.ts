import { openTestContainerd } from "../testing/test-containerd.ts";
import { containersSuite } from "./containers.suite.ts";

containersSuite("local", () => openTestContainerd());
