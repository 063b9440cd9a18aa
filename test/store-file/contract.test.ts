import { describeStore } from "../store/contract.ts";
import { createStoreFolder } from "./store-folder.ts";

describeStore({
  name: "a store in a folder",
  reach: "host",
  start() {
    const { open, clock, remove } = createStoreFolder();
    return Promise.resolve({ open, advance: clock.advance, now: clock.now, close: remove });
  },
});
