import { afterAll, beforeAll, describe, expect, test } from "vitest";
import {
  type Credentials,
  codeOf,
  engine,
  type IdentityStack,
  items,
  startIdentityStack,
} from "./identity-stack.ts";
import { identitySources, type Person, type RunningSource } from "./sources.ts";

let sessions = 0;
const person = (subject: string, changes: Partial<Person> = {}): Person => ({
  subject,
  name: `Name of ${subject}`,
  email: `${subject}@example.com`,
  groups: ["Sales"],
  sessionId: `host-${(sessions += 1)}`,
  ...changes,
});

/** Whose session the tenant was asked with. */
const userOf = (text: string): string => text.replace(/~\d+$/, "");

/** All that a browser sends there; of its cookies, each one's value. */
const valuesIn = (credentials: Credentials): readonly string[] =>
  Object.entries(credentials).flatMap(([name, value]) =>
    [value]
      .flat()
      .flatMap((each) =>
        name === "cookie" ? each.split("; ").map((pair) => pair.replace(/^[^=]*=/, "")) : [each],
      ),
  );

describe.each(Object.entries(identitySources))("the identity source %s", (_name, startSource) => {
  let source: RunningSource;
  let stack: IdentityStack;
  beforeAll(async () => {
    source = await startSource();
    stack = await startIdentityStack(source.lines, source.beside);
  });
  afterAll(async () => {
    await stack.close();
    await source.close();
  });

  const signedIn = (subject: string, changes?: Partial<Person>): Promise<Credentials> =>
    source.signIn(person(subject, changes), stack);
  const loginsOf = (subject: string) => stack.tenant.logins.filter((login) => login.subject === subject);

  test("lets nobody in who is not signed in, and logs nobody in", async () => {
    for (const credentials of [{}, ...(await source.forged(stack))]) {
      const answer = await stack.get(items, credentials);
      expect([answer.status, codeOf(answer)]).toEqual([401, "QSP-UNAUTHENTICATED"]);
      const refused = await stack.socket(credentials).refused;
      expect([refused.status, refused.body]).toEqual([401, expect.stringContaining("QSP-UNAUTHENTICATED")]);
      const status = await stack.get("/_session", credentials);
      expect([status.status, status.json()]).toEqual([
        200,
        expect.objectContaining({ authenticated: false, active: false, subject: null }),
      ]);
    }
    expect(stack.tenant.logins).toEqual([]);
  });

  test("signs a user in once, and says who it is", async () => {
    const ann = await signedIn("ann", { groups: ["Sales, EMEA", "Finance"] });
    const answers = await Promise.all(Array.from({ length: 8 }, () => stack.get(items, ann)));
    expect(new Set(answers.map(({ status, text }) => `${status} ${userOf(text)}`))).toEqual(
      new Set(["200 ann"]),
    );
    expect(loginsOf("ann")).toMatchObject([{ subject: "ann", groups: ["Finance", "Sales, EMEA"] }]);
    expect((await stack.get("/_session", ann)).json()).toMatchObject({
      authenticated: true,
      active: true,
      subject: "ann",
      name: "Name of ann",
    });
  });

  test("takes a subject as it is, in whatever script", async () => {
    const subject = "zoë.мир+日本@example.com";
    // The tenant's usual cookie is made of the name, which these are too wide for.
    const cookies = ["eas.sid=wide~1; Path=/", "_csrfToken=t; Path=/"];
    stack.tenant.onLogin((login, response) => {
      if (login.subject !== subject) return true;
      response.writeHead(200, { "set-cookie": cookies }).end("{}");
      return false;
    });
    const answer = await stack.get(
      items,
      await signedIn(subject, { email: "zoe@example.com", groups: ["Käse"] }),
    );
    expect(answer.status).toBe(200);
    expect(loginsOf(subject)).toMatchObject([{ subject, groups: ["Käse"] }]);
  });

  test("keeps two users apart who come at once", async () => {
    const users = { cat: await signedIn("cat"), dan: await signedIn("dan") };
    const turns = Array.from({ length: 20 }, (_, turn) => (turn % 3 === 0 ? "dan" : "cat") as "cat" | "dan");
    const answers = await Promise.all(turns.map((user) => stack.get(items, users[user])));
    expect(answers.map(({ text }) => userOf(text))).toEqual(turns);
    expect([loginsOf("cat").length, loginsOf("dan").length]).toEqual([1, 1]);
  });

  test("follows a change of users on one connection", async () => {
    const users = { eve: await signedIn("eve"), fay: await signedIn("fay") };
    for (const user of ["eve", "fay", "eve", "fay"] as const) {
      const answer = await stack.get(items, users[user], { headers: { connection: "keep-alive" } });
      expect(userOf(answer.text)).toBe(user);
    }
    expect((await stack.get(items)).status).toBe(401);
  });

  test("opens sockets for who is signed in, and a log-out ends them and the session", async () => {
    const gus = await signedIn("gus");
    const socket = stack.socket(gus);
    await new Promise((resolve) => socket.ws.once("open", resolve));
    const status = await stack.get("/_session", gus);
    expect(status.json()).toMatchObject({ subject: "gus", sockets: 1 });
    expect((await stack.get("/_session", gus, { method: "DELETE" })).status).toBe(204);
    expect((await socket.closed).code).toBe(4203);
    // The host still vouches for the session that was logged out; it does not count any more.
    expect((await stack.get(items, gus)).status).toBe(401);
    expect((await stack.socket(gus).refused).status).toBe(401);
    expect(loginsOf("gus")).toHaveLength(1);
  });

  test("lets come back who signs in anew after a log-out", async () => {
    const before = await signedIn("hal");
    expect((await stack.get(items, before)).status).toBe(200);
    expect((await stack.get("/_session", before, { method: "DELETE" })).status).toBe(204);
    const after = await stack.get(items, await signedIn("hal"));
    expect([after.status, userOf(after.text)]).toEqual([200, "hal"]);
    expect((await stack.get(items, before)).status).toBe(401);
  });

  test("sends nothing to the tenant of what it is told by, nor what a client claims beside it", async () => {
    const ida = await signedIn("ida");
    const claims = { x_user_sub: "admin", "x-forwarded-user": "admin", "x-auth-request-user": "admin" };
    const answer = await stack.get(items, { ...claims, ...ida });
    expect(userOf(answer.text)).toBe("ida");
    const socket = stack.socket({ ...claims, ...ida });
    await new Promise((resolve) => socket.ws.once("open", resolve));
    socket.ws.terminate();
    const last = (path: string) => stack.travelled.findLast((each) => each.path === path)?.lines;
    expect(last(items)).toContain("ida~");
    for (const travelled of [last(items), last(engine)]) {
      // The name alone is what this tenant calls its sessions by.
      const told = valuesIn(ida).filter((value) => value !== "ida");
      expect(told).not.toEqual([]);
      for (const value of told) expect(travelled).not.toContain(value);
      expect(travelled).not.toMatch(/^(?:authorization|x[-_]user[-_]\w+)$/im);
      expect(travelled).not.toContain("theme=dark");
    }
  });

  test("writes nothing into the log of what a browser proves itself with", async () => {
    const jon = await signedIn("jon");
    await stack.get(items, jon);
    await stack.get("/_session", jon, { method: "DELETE" });
    const lines = stack.observed.events.join("\n");
    expect(lines).toContain("exchange.finished");
    const secrets = valuesIn(jon).filter((value) => value.length > 8);
    expect(secrets).not.toEqual([]);
    for (const secret of secrets) expect(lines).not.toContain(secret.slice(-24));
    expect(lines).not.toContain("host-");
    expect(stack.observed.uncaught).toEqual([]);
  });
});
