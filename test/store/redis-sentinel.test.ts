import { describeStore } from "./contract.ts";
import { sentinelByUrl } from "./fixtures.ts";

describeStore(sentinelByUrl);
