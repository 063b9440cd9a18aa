// Changes one bit of what it passes on.
import { startProxy } from "./plain-proxy.mjs";

startProxy({
  change(chunk) {
    chunk[0] ^= 1;
    return chunk;
  },
});
