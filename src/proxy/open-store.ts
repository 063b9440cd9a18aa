import { publish } from "../kernel/channels.ts";
import type { Clock } from "../kernel/clock.ts";
import type { StoreChoice } from "../options/store-choice.ts";
import { connectRedis } from "../store/connect-redis.ts";
import { FileStore } from "../store/file-store.ts";
import { MemoryStore } from "../store/memory-store.ts";
import type { SessionStore } from "../store/session-store.ts";

/**
 * Opens the store that was chosen; one that is reached over the network connects in the background.
 *
 * @throws OptionsError where the folder of a file store cannot be used
 */
export function openStore(
  choice: StoreChoice,
  { clock, timeout }: { readonly clock: Clock; readonly timeout: number },
): SessionStore {
  switch (choice.kind) {
    case "memory":
      return new MemoryStore(clock);
    case "file":
      return new FileStore({
        folder: choice.folder,
        clock,
        onEvent: (event) => publish("session", () => event),
      });
    case "custom":
      return choice.store;
    case "redis":
      return connectRedis(choice.address, { timeout, ca: choice.ca });
  }
}
