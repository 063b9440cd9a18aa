/*
 * Before a login the host is asked a second time who the user is. Where that second answer never comes, the login
 * never ends, and everybody who asks for the same session waits for it: the user is locked out until the process is
 * started anew. The second wait ends like the first, and the next request begins from the beginning.
 */
import { expect, test } from "vitest";
import { testIdentity } from "../support/stack.ts";
import { cleanedUp } from "../support/started.ts";

const started = cleanedUp();

test("nobody is kept waiting, and the user is not locked out", async () => {
  let asked = 0;
  let hangs = true;
  const stack = await started.stack({
    proxy: {
      identify({ headers }) {
        asked += 1;
        return hangs && asked > 1 ? new Promise<never>(() => {}) : testIdentity(headers["x-test-user"]);
      },
      timeouts: { login: 200 },
    },
  });
  const answer = await stack.get("/api/v1/users/me");
  expect([answer.status, answer.text]).toEqual([503, expect.stringContaining("QSP-IDENTITY")]);
  expect(stack.tenant.recordings()).toEqual([]);
  hangs = false;
  expect((await stack.get("/api/v1/users/me")).status).toBe(200);
});
