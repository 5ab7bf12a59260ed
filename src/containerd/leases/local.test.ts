import { openTestContainerd } from "../testing/test-containerd.ts";
import { leasesSuite } from "./leases.suite.ts";

leasesSuite("local", () => openTestContainerd());
