import { openTestContainerd } from "../testing/test-containerd.ts";
import { namespacesSuite } from "./namespaces.suite.ts";

namespacesSuite("local", () => openTestContainerd());
