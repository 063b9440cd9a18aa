import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { createTenantEmulator, type TenantEmulator } from "../../src/emulator.ts";
import { expectRefused, expectSocket, expectTenantError } from "../support/assertions.ts";
import {
  ask,
  createIssuer,
  openSocket,
  signIn,
  type SignedIn,
  type TenantAnswer,
} from "../support/tenant-client.ts";

const issuer = createIssuer();
let tenant: TenantEmulator;
let ada: SignedIn;

beforeAll(async () => {
  tenant = await createTenantEmulator({ plainHttp: true, identityProviders: [issuer] });
});

beforeEach(async () => {
  tenant.modes.requireSocketCsrf = true;
  ada = await signIn(tenant, issuer);
});

afterAll(async () => {
  await tenant.close();
});

function write(
  token: string | undefined,
  more: { method?: string; path?: string } = {},
): Promise<TenantAnswer> {
  return ada.ask({
    method: "POST",
    path: "/api/v1/licenses/allotments",
    ...more,
    headers: token === undefined ? {} : { "qlik-csrf-token": token },
  });
}

function expectMismatch(answer: { readonly status: number; readonly text: string }): void {
  expectTenantError(answer, 403, "CSRF-TOKEN-2");
  // Clients of the vendor look at the top level only.
  expect(JSON.parse(answer.text)).toMatchObject({ code: "CSRF-TOKEN-2" });
}

describe("GET /api/v1/csrf-token (facts §3)", () => {
  test("answers 204 with the token in a header: 8 characters of salt, 27 of hash", async () => {
    const answer = await ada.ask({ path: "/api/v1/csrf-token" });
    expect(answer.status).toBe(204);
    expect(answer.body).toHaveLength(0);
    expect(answer.headers["qlik-csrf-token"]).toMatch(/^[^-]{8}-[\w-]{27}$/);
  });

  test("answers 401 without a session", async () => {
    expectTenantError(await ask(tenant, { path: "/api/v1/csrf-token" }), 401, "HTTP-401");
  });

  test("answers 400 when a Bearer token comes along", async () => {
    const answer = await ada.ask({
      path: "/api/v1/csrf-token",
      headers: { authorization: "Bearer whatever" },
    });
    expectTenantError(answer, 400, "HTTP-400");
  });
});

describe("writes (facts §3)", () => {
  test("are taken with a token in the header", async () => {
    expect((await write(await ada.csrfToken())).status).toBe(200);
  });

  test("are taken with any token of the session: fetched earlier, fetched twice, or from the login", async () => {
    const tokens = [await ada.csrfToken(), await ada.csrfToken()];
    const fromLogin = /_csrfToken=([^;]+)/.exec(ada.cookie)?.[1] ?? "";
    expect(new Set([...tokens, fromLogin]).size).toBe(3);
    for (const token of [...tokens, fromLogin, ...tokens]) expect((await write(token)).status).toBe(200);
  });

  test("are refused without a token, in both shapes", async () => {
    expectMismatch(await write(undefined));
  });

  test.each(["", "nonsense", "aaaaaaaa-aaaaaaaaaaaaaaaaaaaaaaaaaaa"])(
    "are refused with %j",
    async (token) => {
      expectMismatch(await write(token));
    },
  );

  test("are refused with the token of another session of the same user", async () => {
    const other = await signIn(tenant, issuer);
    expectMismatch(await write(await other.csrfToken()));
  });

  test("are refused with a token in the query: that is for sockets", async () => {
    const path = `/api/v1/licenses/allotments?qlik-csrf-token=${await ada.csrfToken()}`;
    expectMismatch(await write(undefined, { path }));
  });

  test.each(["POST", "PUT", "PATCH", "DELETE"])("by %s need it", async (method) => {
    const path =
      { POST: "/api/v1/data-files", PATCH: "/api/core/auth-settings" }[method] ?? "/api/v1/data-files/x";
    expectMismatch(await write(undefined, { method, path }));
  });

  test("without a session are answered 401, not 403", async () => {
    expectTenantError(
      await ask(tenant, { method: "POST", path: "/api/v1/licenses/allotments" }),
      401,
      "HTTP-401",
    );
  });

  test("GET and HEAD need none", async () => {
    expect((await ada.ask({ path: "/api/v1/users/me" })).status).toBe(200);
    expect((await ada.ask({ method: "HEAD", path: "/api/v1/users/me" })).status).toBe(200);
  });
});

describe("upgrades (facts §3)", () => {
  test("are taken with a token in the query, or in a header", async () => {
    const token = await ada.csrfToken();
    const byQuery = await openSocket(tenant, `/app/engineData?qlik-csrf-token=${token}`, {
      cookie: ada.cookie,
    });
    const byHeader = await openSocket(tenant, "/app/engineData", {
      cookie: ada.cookie,
      "qlik-csrf-token": token,
    });
    for (const outcome of [byQuery, byHeader]) expectSocket(outcome).socket.terminate();
  });

  test("are refused with 403 before 101 without one, or with a wrong one", async () => {
    for (const query of ["", "?qlik-csrf-token=", "?qlik-csrf-token=aaaaaaaa-aaaaaaaaaaaaaaaaaaaaaaaaaaa"])
      expectMismatch(
        expectRefused(await openSocket(tenant, `/app/engineData${query}`, { cookie: ada.cookie }), 403),
      );
  });

  test("are taken without one where the mode says so", async () => {
    tenant.modes.requireSocketCsrf = false;
    expectSocket(await openSocket(tenant, "/app/engineData", { cookie: ada.cookie })).socket.terminate();
  });
});
