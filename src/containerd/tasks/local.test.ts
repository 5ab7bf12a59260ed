import { openTestContainerd } from "../testing/test-containerd.ts";
import { tasksSuite } from "./tasks.suite.ts";

tasksSuite("local", () => openTestContainerd());
