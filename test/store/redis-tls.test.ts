import { describeStore } from "./contract.ts";
import { redisByTls } from "./fixtures.ts";

describeStore(redisByTls);
