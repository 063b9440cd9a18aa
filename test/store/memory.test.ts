import { describeStore } from "./contract.ts";
import { memory } from "./fixtures.ts";

describeStore(memory);
