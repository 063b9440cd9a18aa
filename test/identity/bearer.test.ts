import { createHmac, createSign } from "node:crypto";
import { describe, expect, test } from "vitest";
import { createLatch } from "../support/latch.ts";
import { send } from "../support/raw-client.ts";
import { cleanedUp } from "../support/started.ts";
import { makeIssuerKey, seconds, startTokenIssuer, type TokenIssuer } from "../support/token-issuer.ts";
import { codeOf, type IdentityStack, items, startIdentityStack } from "./identity-stack.ts";

const started = cleanedUp();

interface Parts {
  readonly provider: TokenIssuer;
  readonly stack: IdentityStack;
}

/** The server with tokens in the header Authorization; `more` are keys of the source. */
async function start(more = "", keys = ""): Promise<Parts> {
  const provider = started.keep(await startTokenIssuer());
  const { issuer, audience, jwksUrl } = provider;
  const files = { "rsa.pub": rsa.publicKey.export({ type: "spki", format: "pem" }).toString() };
  const stack = started.keep(
    await startIdentityStack(
      `  bearer: { ${keys || `jwksUrl: "${jwksUrl}"`}, issuer: "${issuer}", audience: "${audience}"${more} }`,
      { files },
    ),
  );
  return { provider, stack };
}

const rsa = makeIssuerKey("rsa", "RS256");
const bearer = (token: string) => ({ authorization: `Bearer ${token}` });
const encode = (part: unknown): string => Buffer.from(JSON.stringify(part)).toString("base64url");

/** Status, code, and the reason in the log of a request with a token. */
async function judged(
  { stack }: Parts,
  credentials: Parameters<IdentityStack["get"]>[1],
): Promise<readonly [status: number, code: string, reason: string]> {
  const answer = await stack.get(items, credentials);
  const line = stack.observed.events.findLast((each) => each.includes('"exchange.finished"')) ?? "{}";
  const { reason = "" } = JSON.parse(line) as { readonly reason?: string };
  return [answer.status, answer.status === 200 ? "" : codeOf(answer), reason];
}

describe("a token", () => {
  test("that does not count is nobody's: 401, and the log says why without a word of it", async () => {
    const parts = await start();
    const { provider } = parts;
    const { issuer, audience } = provider;
    const now = seconds();
    const usual = { sub: "ann", iss: issuer, aud: audience, iat: now, exp: now + 600 };
    const none = `${encode({ alg: "none" })}.${encode(usual)}.`;
    const stranger = makeIssuerKey("k1");
    const cases: readonly (readonly [token: string, reason: string])[] = [
      [none, "algorithm that is not allowed"],
      [`${encode({ alg: "None", kid: "k1" })}.${encode(usual)}.`, "algorithm that is not allowed"],
      [await provider.token({ sub: "ann", iss: "https://evil.example" }), 'the "iss" that is asked for'],
      [await provider.token({ sub: "ann", iss: `${issuer}/` }), 'the "iss" that is asked for'],
      [await provider.token({ sub: "ann", aud: "somebody-else" }), 'the "aud" that is asked for'],
      [await provider.token({ sub: "ann", aud: [] }), '"aud"'],
      [await provider.token({ sub: "ann", exp: now - 120 }), "has expired"],
      [await provider.token({ sub: "ann", exp: undefined }), 'has no "exp"'],
      [await provider.token({ sub: "ann", nbf: now + 300 }), '"nbf"'],
      [await provider.token({ sub: "ann", iat: now + 300 }), "from the future"],
      [await provider.token({ sub: "ann" }, { key: stranger }), "not signed with the key that it names"],
      [await provider.token({}), '"sub", the subject, is missing'],
      [await provider.token({ sub: "" }), '"sub", the subject, is missing'],
      [await provider.token({ sub: " ann" }), "white space"],
      [await provider.token({ sub: "a".repeat(257) }), "256 characters"],
      [await provider.token({ sub: 7 }), "cannot be used"],
      [await provider.token({ sub: "ann", groups: "Sales Finance" }), "not an array of texts"],
      [(await provider.token({ sub: "ann" })).replace(/\.[^.]*$/, ".AAAA"), "not signed with the key"],
      ["a.b.c", "not a signed token"],
      ["x".repeat(17_000), "longer than 16384"],
    ];
    for (const [token, reason] of cases) {
      const [status, code, told] = await judged(parts, bearer(token));
      expect([status, code, told]).toEqual([401, "QSP-UNAUTHENTICATED", expect.stringContaining(reason)]);
    }
    expect(parts.stack.tenant.logins).toEqual([]);
    expect(parts.stack.observed.events.join("")).not.toContain("evil.example");
    expect(parts.stack.observed.uncaught).toEqual([]);
  });

  test("of one key is not taken for one of another kind: the public key is no shared secret", async () => {
    const parts = await start("", "publicKeyFile: rsa.pub");
    const { provider } = parts;
    const { issuer, audience } = provider;
    expect((await judged(parts, bearer(await provider.token({ sub: "ann" }, { key: rsa }))))[0]).toBe(200);
    const pem = rsa.publicKey.export({ type: "spki", format: "pem" });
    const payload = encode({ sub: "admin", iss: issuer, aud: audience, exp: seconds() + 600 });
    for (const secret of [
      pem,
      pem.toString().trimEnd(),
      rsa.publicKey.export({ type: "spki", format: "der" }),
    ]) {
      const head = `${encode({ alg: "HS256", typ: "JWT" })}.${payload}`;
      const forged = `${head}.${createHmac("sha256", secret).update(head).digest("base64url")}`;
      const [status, , reason] = await judged(parts, bearer(forged));
      expect([status, reason]).toEqual([401, expect.stringContaining("algorithm that is not allowed")]);
    }
    const head = `${encode({ alg: "ES256" })}.${payload}`;
    const crossed = `${head}.${createSign("sha256").update(head).sign(rsa.privateKey, "base64url")}`;
    expect((await judged(parts, bearer(crossed)))[0]).toBe(401);
    expect(parts.provider.questions).toBe(0);
  });

  test("does not bring its own key: what its head says of keys is not believed", async () => {
    const parts = await start();
    const { provider } = parts;
    const evil = makeIssuerKey("evil", "RS256");
    const { issuer, audience } = provider;
    const payload = encode({ sub: "admin", iss: issuer, aud: audience, exp: seconds() + 600 });
    const jwk = evil.publicKey.export({ format: "jwk" });
    for (const extra of [
      { jwk },
      { jku: `${provider.jwksUrl}?evil`, kid: "evil" },
      { x5u: provider.jwksUrl },
      { crit: ["x"], x: 1 },
    ]) {
      const head = `${encode({ alg: "RS256", ...extra })}.${payload}`;
      const forged = `${head}.${createSign("sha256").update(head).sign(evil.privateKey, "base64url")}`;
      expect((await judged(parts, bearer(forged)))[0]).toBe(401);
    }
    expect(parts.stack.tenant.logins).toEqual([]);
  });

  test("may not come twice, and nothing but Bearer in Authorization is one", async () => {
    const parts = await start();
    const [ann, bob] = [
      await parts.provider.token({ sub: "ann" }),
      await parts.provider.token({ sub: "bob" }),
    ];
    const twice = await judged(parts, { authorization: [`Bearer ${ann}`, `Bearer ${bob}`] });
    expect(twice).toEqual([401, "QSP-UNAUTHENTICATED", expect.stringContaining("comes twice")]);
    for (const value of [ann, `Basic ${ann}`, `Bearer ${ann} ${bob}`, "Bearer "])
      expect((await judged(parts, { authorization: value }))[0]).toBe(401);
    expect((await judged(parts, { authorization: `bearer ${ann}` }))[0]).toBe(200);
  });

  test("in a cookie may not come twice either, and is not looked for elsewhere", async () => {
    const parts = await start(", cookie: token");
    const [ann, bob] = [
      await parts.provider.token({ sub: "ann" }),
      await parts.provider.token({ sub: "bob" }),
    ];
    expect((await judged(parts, { cookie: `token=${ann}; token=${bob}` }))[0]).toBe(401);
    expect((await judged(parts, { cookie: [`token=${ann}`, `token=${bob}`] }))[0]).toBe(401);
    expect((await judged(parts, { cookie: `other=${ann}`, authorization: `Bearer ${ann}` }))[0]).toBe(401);
    expect((await judged(parts, { cookie: `token2=${bob}; token=${ann}` }))[0]).toBe(200);
    expect(parts.stack.tenant.logins.map(({ subject }) => subject)).toEqual(["ann"]);
  });

  test("in a header of a front door may leave out the scheme", async () => {
    const parts = await start(", header: X-Access-Token");
    const token = await parts.provider.token({ sub: "ann" });
    expect((await judged(parts, { "x-access-token": token }))[0]).toBe(200);
    expect((await judged(parts, { "x-access-token": `Bearer ${token}` }))[0]).toBe(200);
    expect((await judged(parts, { authorization: `Bearer ${token}` }))[0]).toBe(401);
    expect(parts.stack.travelled.map(({ lines }) => lines).join("\n")).not.toContain(token);
  });

  test("is read by the names that the operator gave its claims, on the way to a member too", async () => {
    const claims =
      ", claims: { subject: oid, email: upn, groups: realm_access.roles, emailVerified: https://acme.example/verified }";
    const parts = await start(claims);
    const token = await parts.provider.token({
      sub: "pairwise",
      oid: "ann",
      upn: "ann@example.com",
      realm_access: { roles: ["Sales", "Sales, EMEA"] },
      __proto__: { groups: ["admin"] },
    });
    expect((await judged(parts, bearer(token)))[0]).toBe(200);
    expect(parts.stack.tenant.logins).toMatchObject([{ subject: "ann", groups: ["Sales", "Sales, EMEA"] }]);
    const split = await start(', claims: { groups: roles, groupsSeparator: ";" }');
    await judged(split, bearer(await split.provider.token({ sub: "ann", roles: "Sales; Sales, EMEA;" })));
    expect(split.stack.tenant.logins).toMatchObject([{ subject: "ann", groups: ["Sales", "Sales, EMEA"] }]);
  });
});

describe("the time of a token", () => {
  test("ends what it vouches for: requests 401, sockets 4203", async () => {
    const parts = await start();
    const token = bearer(await parts.provider.token({ sub: "ann", exp: seconds() + 2 }));
    const socket = parts.stack.socket(token);
    await new Promise((resolve) => socket.ws.once("open", resolve));
    expect((await socket.closed).code).toBe(4203);
    expect((await parts.stack.get(items, token)).status).toBe(401);
    const newer = bearer(await parts.provider.token({ sub: "ann" }));
    expect((await parts.stack.get(items, newer)).status).toBe(200);
  });

  test("decides who comes back after a log-out: not a token from before it", async () => {
    const parts = await start();
    const { provider, stack } = parts;
    const old = bearer(await provider.token({ sub: "ann", iat: seconds() - 60 }));
    const silent = bearer(await provider.token({ sub: "ann", iat: undefined }));
    expect((await stack.get(items, old)).status).toBe(200);
    expect((await stack.get(items, silent)).status).toBe(200);
    expect((await stack.get("/_session", old, { method: "DELETE" })).status).toBe(204);
    for (const token of [old, silent]) expect((await stack.get(items, token)).status).toBe(401);
    // A second more, because tokens know whole seconds only.
    await expect
      .poll(async () => (await stack.get(items, bearer(await provider.token({ sub: "ann" })))).status, {
        timeout: 8000,
        interval: 250,
      })
      .toBe(200);
    for (const token of [old, silent]) expect((await stack.get(items, token)).status).toBe(401);
    expect(stack.tenant.logins).toHaveLength(2);
  });

  test("decides whose claims count: an older token does not undo what a newer one said", async () => {
    const { provider, stack } = await start();
    const older = bearer(await provider.token({ sub: "ann", iat: seconds() - 100, groups: ["old"] }));
    const newer = bearer(await provider.token({ sub: "ann", iat: seconds() - 50, groups: ["new"] }));
    expect((await stack.get(items, newer)).status).toBe(200);
    for (let turn = 0; turn < 3; turn += 1) await stack.get(items, older);
    expect(stack.tenant.logins.map(({ groups }) => groups)).toEqual([["new"]]);
  });
});

test("the later of two tokens says until when, whichever is used last", async () => {
  const { provider, stack } = await start();
  const now = seconds();
  const older = bearer(await provider.token({ sub: "ann", iat: now - 100, exp: now + 60 }));
  const newer = bearer(await provider.token({ sub: "ann", iat: now - 50, exp: now + 600 }));
  const expiresIn = async (): Promise<number> =>
    ((await stack.get("/_session", newer)).json() as { readonly expiresIn: number }).expiresIn;
  await stack.get(items, older);
  expect(await expiresIn()).toBeLessThan(61);
  await stack.get(items, newer);
  expect(await expiresIn()).toBeGreaterThan(500);
  await stack.get(items, older);
  expect(await expiresIn()).toBeGreaterThan(500);
});

describe("a client that is no browser", () => {
  test("needs no Origin with a token in Authorization, and one with a cookie beside it", async () => {
    const { provider, stack } = await start();
    const token = bearer(await provider.token({ sub: "ann" }));
    const { url } = stack.server;
    const post = (headers: Record<string, string>) =>
      send({
        origin: url,
        path: "/qlik/_session",
        method: "DELETE",
        headers: { host: "portal.example.com", ...headers },
      });
    expect((await post({ ...token, cookie: "a=b" })).status).toBe(403);
    expect((await post({ cookie: "a=b" })).status).toBe(403);
    expect((await post({})).status).toBe(403);
    expect((await post(token)).status).toBe(204);
  });

  test("a page of a listed origin may send Authorization", async () => {
    const { stack } = await start();
    const answer = await stack.get(
      items,
      {},
      {
        method: "OPTIONS",
        headers: {
          "access-control-request-method": "GET",
          "access-control-request-headers": "authorization",
        },
      },
    );
    expect([answer.status, answer.header("access-control-allow-headers")]).toEqual([
      204,
      expect.stringContaining("authorization"),
    ]);
  });
});

describe("the provider's keys", () => {
  test("are read once for all who come at once, and not again for each token", async () => {
    const { provider, stack } = await start();
    const tokens = await Promise.all(["ann", "bob", "cat"].map((sub) => provider.token({ sub })));
    const answers = await Promise.all([...tokens, ...tokens].map((token) => stack.get(items, bearer(token))));
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 200, 200, 200, 200]);
    expect(provider.questions).toBe(1);
  });

  test("that are new are found at the first token with one; a flood of made-up ones is not passed on", async () => {
    const parts = await start();
    const { provider, stack } = parts;
    const before = bearer(await provider.token({ sub: "ann" }));
    expect((await stack.get(items, before)).status).toBe(200);
    provider.keys = [makeIssuerKey("k2"), ...provider.keys];
    expect((await stack.get(items, bearer(await provider.token({ sub: "ann" })))).status).toBe(200);
    expect(provider.questions).toBe(2);
    const evil = makeIssuerKey("evil");
    const flood = await Promise.all(
      Array.from({ length: 50 }, (_, turn) =>
        provider.token({ sub: "ann" }, { key: evil, kid: `made-up-${turn}` }),
      ),
    );
    const answers = await Promise.all(flood.map((token) => stack.get(items, bearer(token))));
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([401]));
    expect(provider.questions).toBe(2);
    expect((await stack.get(items, before)).status).toBe(200);
  });

  test("that are withdrawn count no more once the keys were read again, also for tokens seen before", async () => {
    const { provider, stack } = await start(", jwksCooldown: 10ms");
    const before = bearer(await provider.token({ sub: "ann" }));
    for (let turn = 0; turn < 2; turn += 1) expect((await stack.get(items, before)).status).toBe(200);
    provider.keys = [makeIssuerKey("k2")];
    expect((await stack.get(items, bearer(await provider.token({ sub: "bob" })))).status).toBe(200);
    expect((await stack.get(items, before)).status).toBe(401);
  });

  test("are used on while the provider is down, and nobody new gets in with a key that cannot be looked up", async () => {
    const parts = await start(", jwksCooldown: 10ms");
    const { provider, stack } = parts;
    expect((await judged(parts, bearer(await provider.token({ sub: "ann" }))))[0]).toBe(200);
    const known = bearer(await provider.token({ sub: "bob" }));
    const unknown = bearer(await provider.token({ sub: "cat" }, { key: makeIssuerKey("k9") }));
    await provider.close();
    expect((await judged(parts, known))[0]).toBe(200);
    expect(await judged(parts, unknown)).toEqual([
      503,
      "QSP-IDENTITY",
      expect.stringContaining("keys of identity.bearer.jwksUrl cannot be read"),
    ]);
    expect((await stack.socket(unknown as Record<string, string>).refused).status).toBe(503);
    expect((await judged(parts, known))[0]).toBe(200);
    const told = stack.observed.events.filter((line) => line.includes('"keys.failed"'));
    expect(told[0]).toContain("nothing listens there");
    expect(told[0]).toContain("the last keys are used on");
  });

  const oddAnswers: readonly (readonly [
    what: string,
    reason: string,
    status: number,
    type: string,
    body: string,
  ])[] = [
    ["a redirect", "status 302", 302, "text/plain", ""],
    ["an error", "status 500", 500, "application/json", '{"keys":[]}'],
    ["HTML", "HTML, not JSON", 200, "text/html", "<html>sign in</html>"],
    ["nonsense", "not JSON", 200, "application/json", "{keys"],
    ["no key set", "not a set of keys", 200, "application/json", '{"keys":"none"}'],
    ["300 KiB", "more than 262144 bytes", 200, "application/json", `{"keys":[]${" ".repeat(300_000)}}`],
  ];

  test("that are no keys let nobody in: 503, and the log says why", async () => {
    const parts = await start(", jwksCooldown: 10ms");
    const { provider, stack } = parts;
    const token = bearer(await provider.token({ sub: "ann" }));
    let followed = 0;
    for (const [, reason, status, type, body] of oddAnswers) {
      const told = stack.observed.events.length;
      provider.answer((request, response) => {
        if (request.url?.includes("elsewhere")) followed += 1;
        response.writeHead(status, { "content-type": type, location: "/elsewhere" }).end(body);
      });
      // After a failure the provider is left alone for a moment.
      await expect
        .poll(
          async () => {
            expect((await judged(parts, token)).slice(0, 2)).toEqual([503, "QSP-IDENTITY"]);
            return stack.observed.events.slice(told).join("");
          },
          { timeout: 5000, interval: 15 },
        )
        .toContain(reason);
    }
    expect([followed, stack.tenant.logins]).toEqual([0, []]);
    expect((await stack.get("/_session", token)).status).toBe(503);
  });

  test("that do not come keep nobody for ever, and are asked for once", async () => {
    const parts = await start();
    const { provider, stack } = parts;
    const hang = createLatch();
    provider.answer((_request, response) => void hang.opened.then(() => response.destroy()));
    const token = bearer(await provider.token({ sub: "ann" }));
    const waiting = Promise.all(Array.from({ length: 5 }, () => stack.get(items, token)));
    await expect.poll(() => provider.questions).toBe(1);
    hang.open();
    expect((await waiting).map(({ status }) => status)).toEqual([503, 503, 503, 503, 503]);
    expect(provider.questions).toBe(1);
  });
});
