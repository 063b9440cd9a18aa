import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { request, socketUrl } from "./acts.ts";
import { describeVisit, type Attempt, type Stage } from "./attempts.ts";
import { launchBrowser, type BrowserName, type DrivenBrowser } from "./browsers.ts";
import {
  framed,
  links,
  listed,
  loadedBySibling,
  mainWays,
  shyImage,
  siblingWithoutMetadata,
  unguarded,
  unlisted,
} from "./foreign-acts.ts";
import { elements, windows } from "./hostile-markup.ts";
import { forms, requests, sockets, workers } from "./hostile-requests.ts";
import { background, own, ownByHost, ownWithoutMetadata } from "./own-acts.ts";
import { createShopWorld, type ShopWorld } from "./shop-world.ts";
import { check, checkHeld, createStages, forget, takeReached, type Stages } from "./stages.ts";

const names = ["chromium", "firefox"] as const;
const browsers = new Map<BrowserName, DrivenBrowser>();
/** The shop with TLS; without it, where browsers trust the name all the same; and where they do not. */
let world: ShopWorld;
let plainWorld: ShopWorld;
let bareWorld: ShopWorld;

beforeAll(async () => {
  const launches = names.map(async (name) => browsers.set(name, await launchBrowser(name)));
  // One that does not start must not leave the other behind.
  for (const each of await Promise.allSettled(launches)) if (each.status === "rejected") throw each.reason;
  world = await createShopWorld({ tls: true, topLevel: "localhost" });
  plainWorld = await createShopWorld({ tls: false, topLevel: "localhost" });
  bareWorld = await createShopWorld({ tls: false, topLevel: "test" });
});

afterAll(async () => {
  for (const browser of browsers.values()) await browser.close();
  for (const each of [world, plainWorld, bareWorld]) await each?.close();
});

/** Cookies of third parties are on, so that it is not the browser that keeps the user's from hostile requests. */
const everywhere = "Secure; SameSite=None";

describe.each(names)("in %s", { timeout: 120_000 }, (name) => {
  const user = `ann@${name}`;
  let browser: DrivenBrowser;
  let stages: Stages;
  let portal: Stage;

  const openSockets = (): number =>
    world.tenant.sockets.list().filter(({ subject }) => subject === user).length;
  const isSocketOpen = async (): Promise<boolean> => (await portal.tab.run("socket.readyState")) === 1;

  beforeAll(async () => {
    browser = browsers.get(name) as DrivenBrowser;
    stages = createStages(name, browser);
    portal = await stages.signIn(world, { user, cookie: everywhere, site: "same-origin" });
  });

  test("the portal's own page gets what its user may have, through a socket too", async () => {
    await check(portal, own);
    await portal.tab.run(`new Promise((resolve) => {
      window.socket = new WebSocket("${socketUrl(world.portal)}/qlik/app/engineData");
      socket.onmessage = () => resolve();
    })`);
    await expect.poll(openSockets).toBe(1);
  });

  test("the portal's own page makes nothing of the tenant that runs in the background", () =>
    check(portal, background));

  describe.each([
    ["another site", "evil", "cross-site"],
    ["a sibling sub-domain", "sibling.shop", "same-site"],
  ] as const)("a page of %s", (_where, host, site) => {
    let hostile: Stage;
    let sessions: readonly string[];
    const livingSessions = (): readonly string[] => world.tenant.sessions.list().map(({ id }) => id);

    beforeAll(async () => {
      hostile = await stages.at(world, host, site);
      sessions = livingSessions();
    });

    test("sends the user's cookie with what it asks of the portal", () => checkHeld(hostile, unguarded));
    test("reaches nothing with forms", () => checkHeld(hostile, forms));
    test("reaches nothing with what scripts ask for", () => checkHeld(hostile, requests));
    test("reaches nothing with images, scripts, styles and media", () => checkHeld(hostile, elements));
    test("reaches nothing with frames and windows", () => checkHeld(hostile, windows));
    test("reaches nothing with sockets", () => checkHeld(hostile, sockets));
    test("reaches nothing with workers", () => checkHeld(hostile, workers));

    test("has left the user signed in, the socket open and the page working", async () => {
      expect(takeReached(world)).toEqual([]);
      expect(livingSessions()).toEqual(sessions);
      expect([await isSocketOpen(), openSockets()]).toEqual([true, 1]);
      expect(await portal.tab.run(request("/qlik/api/v1/users/me"))).toBe("basic 200");
      expect(takeReached(world)).toEqual(["GET /api/v1/users/me"]);
    });
  });

  test("pages of listed origins use data and sockets, pages of others do not", async () => {
    await check(await stages.at(world, "partner", "cross-site"), listed);
    await check(await stages.at(world, "app.shop", "same-site"), listed);
    await checkHeld(await stages.at(world, "evil", "cross-site"), unlisted);
    await checkHeld(await stages.at(world, "sibling.shop", "same-site"), unlisted);
  });

  test("where a sibling is listed, files and pages are open to all of them, data by Referer only", async () => {
    await check(await stages.at(world, "app.shop", "same-site"), loadedBySibling(true));
    forget(world);
    await check(await stages.at(world, "sibling.shop", "same-site"), loadedBySibling(false));
    expect(takeReached(world).toSorted()).toEqual(["GET /resources/js/tenant-page.js", "GET /single/"]);
    await checkHeld(await stages.at(world, "evil", "cross-site"), mainWays("/listed"));
  });

  test("frames of other origins do not show a page of the tenant", async () => {
    const isShown = async (stage: Stage): Promise<boolean> => {
      forget(world);
      await check(stage, framed("/listed/single/"));
      return world.visits.take().some(({ target }) => target === "/resources/js/tenant-page.js");
    };
    expect(await isShown(portal)).toBe(true);
    expect(await isShown(await stages.at(world, "app.shop", "same-site"))).toBe(false);
    expect(await isShown(await stages.at(world, "sibling.shop", "same-site"))).toBe(false);
  });

  test("a link from another site opens a page, asks before it logs out, and leads nowhere else", async () => {
    forget(world);
    const evil = await stages.at(world, "evil", "cross-site");
    await check(evil, links(evil.origin, null));
    expect(takeReached(world)).toEqual(["GET /single/"]);
    const sibling = await stages.at(world, "sibling.shop", "same-site");
    await checkHeld(sibling, links(sibling.origin, "row 14"));
    expect(await isSocketOpen()).toBe(true);
  });

  test("an address that is typed reads, and changes nothing", async () => {
    for (const path of ["/qlik/api/v1/items", "/qlik/_session", "/qlik/logout"]) {
      const typed = `${path}?typed-in=${name}`;
      await browser.open(world.portal + typed);
      const visit = await world.visits.first(typed);
      expect(visit && describeVisit(visit, portal)).toBe("GET none navigate document: 200");
    }
    expect(await isSocketOpen()).toBe(true);
  });

  test("the portal under another name is not the portal", async () => {
    const origin = world.portalAs("other.shop");
    const other: Stage = { ...portal, tab: await browser.open(origin), origin, target: origin };
    const [data, writing] = own as readonly [Attempt, Attempt];
    const refused = "without the user: row 0, hears basic 421";
    await checkHeld(other, [
      { ...data, seen: `GET SITE cors empty, ${refused}` },
      { ...writing, seen: `POST SITE cors empty from its origin, ${refused}` },
    ]);
  });

  test("without a configured origin the host of the request counts", async () => {
    await check(portal, ownByHost);
    await checkHeld(await stages.at(world, "evil", "cross-site"), mainWays("/library"));
    await checkHeld(await stages.at(world, "sibling.shop", "same-site"), mainWays("/library"));
  });

  test("a sibling without TLS reaches nothing", async () => {
    // To Firefox the scheme does not make another site.
    const site = name === "chromium" ? "cross-site" : "same-site";
    const { tab, origin } = await stages.at(plainWorld, "sibling.shop", site);
    await checkHeld({ ...portal, tab, origin, site }, mainWays("/qlik"));
  });

  test("without TLS sockets and requests of other pages reach nothing", async () => {
    const plain = await stages.signIn(plainWorld, { user, cookie: everywhere, site: "same-origin" });
    await check(plain, ownByHost);
    await checkHeld(await stages.at(plainWorld, "evil", "cross-site"), mainWays("/qlik"));
    await checkHeld(await stages.at(plainWorld, "sibling.shop", "same-site"), mainWays("/qlik"));
  });

  test("where browsers say nothing of the site, Origin and Referer decide", async () => {
    await check(await stages.signIn(bareWorld, { user, cookie: "", site: "-" }), ownWithoutMetadata);
    const sibling = await stages.at(bareWorld, "sibling.shop", "-");
    await checkHeld(sibling, siblingWithoutMetadata);
    // Nothing tells this from a client that is no browser; it can only read, and not see what it read.
    await check(sibling, shyImage);
    expect(takeReached(bareWorld)).toEqual(["GET /api/v1/items"]);
  });

  test("a cookie with SameSite=Lax goes with links and with siblings, and helps neither", async () => {
    await stages.signIn(world, { user, cookie: "Secure; SameSite=Lax", site: "same-origin" });
    const evil = await stages.at(world, "evil", "cross-site");
    await checkHeld(evil, mainWays("/qlik", ", without the user"));
    await checkHeld(
      evil,
      windows.filter(({ name: what }) => what === "window"),
    );
    await checkHeld(await stages.at(world, "sibling.shop", "same-site"), mainWays("/qlik"));
  });

  test("the log-out cannot be clicked in a frame of a sibling", async () => {
    const bruno = await stages.signIn(world, {
      user: `bruno@${name}`,
      cookie: everywhere,
      site: "same-origin",
    });
    await bruno.tab.goto(`${world.portal}/listed/logout`);
    const { x, y } = (await bruno.tab.run(
      "(({ x, y, width, height }) => ({ x: x + width / 2, y: y + height / 2 }))(document.querySelector('button').getBoundingClientRect())",
    )) as { readonly x: number; readonly y: number };
    const sibling = await stages.at(world, "app.shop", "same-site");
    await sibling.tab.goto(sibling.origin);
    await check(sibling, framed("/listed/logout"));
    forget(world);
    await sibling.tab.click(x, y);
    expect(await sibling.tab.run("document.activeElement.tagName")).toBe("IFRAME");
    await bruno.tab.click(x, y);
    const clicked = await world.visits.first("/listed/logout");
    expect(clicked && describeVisit(clicked, bruno)).toBe(
      "POST same-origin navigate document from null: 200",
    );
    expect(world.visits.take().filter(({ method }) => method === "POST")).toEqual([clicked]);
  });

  test("who signs in after another in the same browser gets answers of their own", async () => {
    // Without TLS, because Chromium keeps nothing that came with a certificate that it does not know.
    const path = "/api/v1/items/kept";
    const keep = (text: string): void =>
      plainWorld.tenant.enqueue({
        path,
        status: 200,
        headers: [["Cache-Control", "max-age=600"]],
        body: text,
      });
    const ask = `fetch("/qlik${path}").then((answer) => answer.text())`;
    const cookie = everywhere;
    keep("Carla's");
    const carla = await stages.signIn(plainWorld, { user: `carla@${name}`, cookie, site: "same-origin" });
    expect(await carla.tab.run(ask)).toBe("Carla's");
    keep("Dora's");
    const dora = await stages.signIn(plainWorld, { user: `dora@${name}`, cookie, site: "same-origin" });
    expect(await dora.tab.run(ask)).toBe("Dora's");
  });
});
