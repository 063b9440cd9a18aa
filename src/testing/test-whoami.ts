import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { refuseInProduction } from "./refuse-production.ts";
import { createTestUsers, type SignedInCookie, type TestUser } from "./test-users.ts";

/** Stands in for the application that the identity source `whoami` asks. */
export interface TestWhoami {
  /** What `identity.whoami.url` of the configuration is given. */
  readonly url: string;
  /** The cookie by which the application knows a person. */
  signedInCookie(user: TestUser): SignedInCookie;
  /** The same as a header. */
  signedIn(user: TestUser): Readonly<Record<string, string>>;
  close(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}

/** Starts an application that says who its cookie names, and 401 for nobody; resolves when it listens. */
export async function createTestWhoami(): Promise<TestWhoami> {
  refuseInProduction("A test application");
  const users = createTestUsers();
  const server = createServer((request, response) => {
    const identity = users.identify(request);
    response.writeHead(identity === null ? 401 : 200, { "Content-Type": "application/json" });
    response.end(JSON.stringify(identity ?? {}));
  });
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(0, "127.0.0.1", resolve);
  });
  const close = (): Promise<void> =>
    new Promise((resolve) => {
      server.close(() => resolve());
      server.closeAllConnections();
    });
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/me`,
    signedInCookie: users.cookie,
    signedIn(user) {
      const { name, value } = users.cookie(user);
      return { cookie: `${name}=${value}` };
    },
    close,
    [Symbol.asyncDispose]: close,
  };
}
