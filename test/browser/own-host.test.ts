import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { launchBrowser, type BrowserName, type DrivenBrowser, type Tab } from "./browsers.ts";
import { createOwnHostWorld, type OwnHostWorld } from "./own-host-world.ts";

let world: OwnHostWorld;

beforeAll(async () => {
  world = await createOwnHostWorld();
});

afterAll(async () => {
  await world?.close();
});

/** Whether something was drawn: a canvas of a chart has pixels of a strong colour. */
const hasDrawn = `(async () => {
  const canvases = (root) => [...root.querySelectorAll("*")].flatMap((each) =>
    [...(each.localName === "canvas" ? [each] : []), ...(each.shadowRoot ? canvases(each.shadowRoot) : [])]);
  const isColored = (canvas) => {
    if (canvas.width === 0 || canvas.height === 0) return false;
    const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
    for (let at = 0; at < data.length; at += 4)
      if (data[at + 3] > 200 && Math.abs(data[at] - data[at + 2]) > 60) return true;
    return false;
  };
  for (let tries = 0; tries < 150; tries += 1) {
    if (canvases(document).some(isColored)) return true;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  return false;
})()`;

/** Calls of `@qlik/api`: reading, a refusal, writing, the engine. */
const calls = (authType: string): string => `(async () => {
  const hostConfig = { host: "${world.analytics}", authType: "${authType}" };
  const me = await users.getMyUser({ hostConfig, noCache: true });
  const closed = await items.getItem("none", { hostConfig }).then(() => 200, (error) => error.status);
  const upload = await tempContents.uploadTempFile({ filename: "a.txt" }, new Blob(["some text"]), { hostConfig });
  const session = openAppSession({ appId: "8a6f7c52-3f5e-4c0a-9d8b-5a1c2e7f4b10", hostConfig });
  const doc = await session.getDoc();
  const layout = await doc.getAppLayout();
  await session.close();
  return [me.data.name, closed, upload.status, layout.qTitle];
})()`;

/** The name of whoever is signed in, or the status of the refusal. */
const myName = `users.getMyUser({ hostConfig: { host: document.documentElement.dataset.analytics, authType: "qlik-session-proxy" }, noCache: true })
  .then(({ data }) => data.name, ({ status }) => status)`;

/** A browser that eight other programs hold up. */
const patience = { timeout: 60_000 };

describe.each<BrowserName>(["chromium", "firefox"])("a page of another origin of the site, in %s", (name) => {
  let browser: DrivenBrowser;
  let tab: Tab;

  beforeAll(async () => {
    browser = await launchBrowser(name);
    tab = await browser.open(`${world.portal}/`);
  });

  afterAll(async () => {
    await browser?.close();
  });

  beforeEach(async () => {
    await tab.goto(`${world.portal}/sign-in?user=ann`);
    world.takeAsked();
  });

  const everything = ["ann", 404, 201, "Sales performance"];

  test("draws a chart and calls everything with the auth module as a script", patience, async () => {
    await tab.goto(`${world.portal}/script`);
    expect(await tab.run(hasDrawn)).toBe(true);
    expect(await tab.run(calls("qlik-session-proxy"))).toEqual(everything);
  });

  test(
    "calls everything with the auth module as an ES module, and with the one that it bundles",
    patience,
    async () => {
      await tab.goto(`${world.portal}/module`);
      expect(await tab.run(calls("qlik-session-proxy"))).toEqual(everything);
      await tab.goto(`${world.portal}/`);
      await tab.run("register(), 0");
      expect(await tab.run(calls("qlik-session-proxy"))).toEqual(everything);
    },
  );

  test(
    "draws a chart and calls everything with the type cookie, and no token of the tenant",
    patience,
    async () => {
      await tab.goto(`${world.portal}/cookie`);
      expect(await tab.run(hasDrawn)).toBe(true);
      expect(await tab.run(calls("cookie"))).toEqual(everything);
      expect(world.takeAsked()).toContain("GET /api/v1/csrf-token 204");
    },
  );

  test(
    "with the type cookie, goes to our log-in where nobody is signed in, and comes back",
    patience,
    async () => {
      await tab.goto(`${world.portal}/cookie`);
      world.signEverybodyOut();
      // The page may be gone before it has answered.
      await tab
        .run(
          `users.getMyUser({ hostConfig: { host: "${world.analytics}", authType: "cookie" }, noCache: true }), 0`,
        )
        .catch(() => {});
      await expect
        .poll(async () => tab.run("location.href").catch(() => ""), { timeout: 10_000 })
        .toContain(`${world.analytics}/login?returnto=${encodeURIComponent(`${world.portal}/cookie`)}`);
      expect(await tab.run("document.body.textContent")).toContain("QSP-UNAUTHENTICATED");
      await tab.goto(`${world.portal}/sign-in?user=ann`);
      await tab.goto(`${world.analytics}/login?returnto=${encodeURIComponent(`${world.portal}/cookie`)}`);
      expect(await tab.run("location.href")).toBe(`${world.portal}/cookie`);
      await tab.goto(`${world.analytics}/login?returnto=https://evil.example/`);
      expect(await tab.run("location.origin")).toBe(world.analytics);
    },
  );

  test("does not notice that the tenant has ended the session", patience, async () => {
    await tab.goto(`${world.portal}/module`);
    expect(await tab.run(myName)).toBe("ann");
    world.tenant.sessions.expire("ann");
    world.takeAsked();
    expect(await tab.run(myName)).toBe("ann");
    expect(world.takeAsked()).toEqual(["GET /api/v1/users/me 200"]);
  });

  test("renews the session of the app, asks once more, and once only", patience, async () => {
    await tab.goto(`${world.portal}/module`);
    await tab.run(myName);
    world.signEverybodyOut();
    world.takeAsked();
    expect(await tab.run(`Promise.all([${myName}, ${myName}])`)).toEqual([401, 401]);
    const refused = world.takeAsked();
    expect(refused.filter((line) => line.startsWith("GET /api"))).toEqual(
      Array(2).fill("GET /api/v1/users/me 401"),
    );
    expect(refused.filter((line) => line === "GET /_session 200").length).toBeLessThanOrEqual(2);
    await tab.run(
      'globalThis["qlik-session-proxy"].renew = () => fetch("/sign-in?user=ann", { credentials: "include" }); 0',
    );
    expect(await tab.run(myName)).toBe("ann");
    expect(world.takeAsked()).toEqual([
      "GET /api/v1/users/me 401",
      "GET /_session 200",
      "GET /_session 200",
      "GET /api/v1/users/me 200",
    ]);
  });

  test("is told by the helper when the session is there, and when it is over", patience, async () => {
    await tab.goto(`${world.portal}/`);
    const told = await tab.run(`(async () => {
      const session = watchSession("${world.analytics}/");
      const before = await session.status();
      const { active, subject } = await session.ready();
      const ended = new Promise((resolve) => session.on("ended", resolve));
      const engine = openAppSession({ appId: "8a6f7c52-3f5e-4c0a-9d8b-5a1c2e7f4b10", hostConfig: { host: "${world.analytics}", authType: "none" } });
      await engine.getDoc();
      const closed = new Promise((resolve) => engine.onWebSocketEvent(({ eventType }) => eventType === "closed" || eventType === "suspended" ? resolve(eventType) : 0));
      await new Promise((resolve) => setTimeout(resolve, 300));
      await session.logout();
      const answer = [before.authenticated, active, subject, await ended, await closed];
      session.close();
      return answer;
    })()`);
    expect(told).toEqual([
      true,
      true,
      "ann",
      { reason: "logout" },
      expect.stringMatching(/closed|suspended/),
    ]);
  });

  test("is told by the helper that nobody is signed in", patience, async () => {
    await tab.goto(`${world.portal}/`);
    world.signEverybodyOut();
    const told = await tab.run(`(async () => {
      const session = watchSession("${world.analytics}");
      const refusal = await session.ready().catch(({ status, code }) => [status, code]);
      const ended = await new Promise((resolve) => session.on("ended", resolve));
      session.close();
      return [refusal, (await session.status()).authenticated, ended];
    })()`);
    expect(told).toEqual([[401, "QSP-UNAUTHENTICATED"], false, { reason: "unauthenticated" }]);
  });

  test("of a site that is not listed can neither load the module nor ask", patience, async () => {
    const elsewhere = world.portal.replace("portal.shop", "portal.evil");
    await tab.goto(`${elsewhere}/script`);
    expect(await tab.run('typeof globalThis["qlik-session-proxy"]')).toBe("undefined");
    expect(await tab.run(`fetch("${world.analytics}/_session").then(() => "read", ({ name }) => name)`)).toBe(
      "TypeError",
    );
  });
});
