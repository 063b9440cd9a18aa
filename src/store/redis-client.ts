/**
 * What the store needs of a client library, and no more. `fromIoredis` and `fromNodeRedis` make one of the client that
 * an application has; another library takes a few lines of its own.
 */
export interface RedisClient {
  /** Runs a Lua script (`EVAL`) on the master that holds the keys. */
  eval(script: string, keys: readonly string[], args: readonly string[]): Promise<unknown>;
  /** The keys that match a glob pattern, on every master, page by page (`SCAN`); a key may come twice. */
  scan(pattern: string): AsyncIterable<readonly string[]>;
  /** Sends a message to all that listen to the channel (`PUBLISH`). */
  publish(channel: string, message: string): Promise<unknown>;
  /**
   * Listens to a channel, on a connection of its own that is made anew for as long as it takes, whenever it breaks. The
   * returned function ends it.
   */
  subscribe(channel: string, hear: (message: string) => void): () => void;
  /** What is wrong with the connection, where that is known: it is added to the message of a call that fails. */
  trouble?(): string | undefined;
  /** Closes the client with the store; left out where the client is the application's, and stays open. */
  close?(): Promise<void>;
}

/** Keys that a `SCAN` looks at in one step: some 0.1 ms of the server's time. */
export const scanStep = 1000;
