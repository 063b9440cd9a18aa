import { SessionProxyError } from "../../src/errors.ts";
import type { EndsTruth, TrueEnd } from "./ends-truth.ts";
import type { Browser, Host, User } from "./host.ts";
import type { Plan } from "./plan.ts";
import type { Random } from "./random.ts";
import type { Scheduler } from "./scheduler.ts";
import type { SimulatedNode, SimulatedSocket } from "./simulated-node.ts";
import type { SimulatedTenant } from "./simulated-tenant.ts";
import type { Trace } from "./trace.ts";
import type { Verdicts } from "./verdicts.ts";
import type { Visits } from "./visits.ts";

/** What people act on. */
export interface PeopleOptions {
  readonly plan: Plan;
  readonly scheduler: Scheduler;
  readonly random: Random;
  readonly host: Host;
  readonly tenant: SimulatedTenant;
  readonly ends: EndsTruth;
  readonly visits: Visits;
  readonly verdicts: Verdicts;
  readonly trace: Trace;
  readonly nodes: () => readonly [SimulatedNode, ...SimulatedNode[]];
}

/** Lets people work, log out and come back, operators revoke, and the tenant forget sessions. */
export class People {
  readonly #options: PeopleOptions;
  #isOver = false;

  constructor(options: PeopleOptions) {
    this.#options = options;
    // Where it all begins: everybody at once, everywhere.
    for (const user of options.host.users) for (const browser of user.browsers) this.#burst(browser);
    this.#work();
    this.#expire();
  }

  /** Nobody does anything any more. */
  rest(): void {
    this.#isOver = true;
  }

  /** Everybody comes back. */
  signInAll(): void {
    for (const user of this.#options.host.users) {
      // Anew, because a host session that was ended does not come back.
      for (const browser of user.browsers) this.#options.host.signIn(browser);
    }
  }

  #work(): void {
    const { scheduler, random, plan } = this.#options;
    scheduler.after(random.wait(plan.workEvery), () => {
      if (this.#isOver) return;
      this.#act(this.#anyBrowser());
      this.#work();
    });
  }

  #act(browser: Browser): void {
    const { random, visits } = this.#options;
    const what = random.next();
    if (what < 0.6) this.#burst(browser);
    else if (what < 0.72) void visits.open(this.#anyNode(), browser);
    else if (what < 0.77) this.#useSocket((node, socket) => node.manager.touch(socket.session));
    else if (what < 0.81) this.#useSocket((node, socket) => node.close(socket));
    else if (what < 0.89) this.#logOut(browser);
    else if (what < 0.92) this.#revoke(browser.user);
    else browser.user.groups = random.pick([["a"], ["b"], ["a", "b"]]);
  }

  #burst(browser: Browser): void {
    const { scheduler, random, visits } = this.#options;
    const count = 1 + random.below(5);
    for (let index = 0; index < count; index += 1) {
      const node = this.#anyNode();
      scheduler.after(random.between(0, 60), () =>
        node.process.deliver(0, () => void visits.request(node, browser)),
      );
    }
  }

  #useSocket(use: (node: SimulatedNode, socket: SimulatedSocket) => void): void {
    const node = this.#anyNode();
    const [socket] = node.sockets;
    if (!socket) return;
    node.process.deliver(0, () => {
      if (node.sockets.has(socket)) use(node, socket);
    });
  }

  /** The host ends its own session before, or after it has told us. */
  #logOut(browser: Browser): void {
    const { host, random, scheduler, trace } = this.#options;
    if (!browser.isSignedIn) return;
    const { user, sessionId } = browser;
    const node = this.#anyNode();
    if (random.chance(0.5)) host.signOut(browser);
    node.process.deliver(0, () => {
      trace.note(node.process.name, () => `log-out of ${user.subject}/${sessionId ?? ""}`);
      const owner = { subject: user.subject, ...(sessionId === undefined ? {} : { sessionId }) };
      const end = this.#end(node, { kind: "logout", subject: user.subject, sessionId }, 0);
      this.#acknowledge(end, node.manager.logout(owner));
      if (browser.sessionId === sessionId) host.signOut(browser);
    });
    scheduler.after(random.between(50, 7000), () => {
      if (!browser.isSignedIn) host.signIn(browser);
    });
  }

  /** A host that uses ids signs the person in anew after a while, under another one. */
  #revoke(user: User): void {
    const { random, trace, scheduler, host } = this.#options;
    const { subject } = user;
    const node = this.#anyNode();
    const blockFor = random.chance(0.5) ? 0 : random.between(500, 5000);
    node.process.deliver(0, () => {
      trace.note(node.process.name, () => `revokes ${subject} for ${blockFor.toFixed(0)} ms`);
      const end = this.#end(node, { kind: "revoke", subject, sessionId: undefined }, blockFor);
      this.#acknowledge(end, node.manager.revoke(subject, blockFor));
    });
    scheduler.after(random.between(0, 8000), () => {
      for (const browser of user.browsers) if (browser.isSignedIn) host.signIn(browser);
    });
  }

  #end(
    node: SimulatedNode,
    what: Pick<TrueEnd, "kind" | "subject" | "sessionId">,
    blockFor: number,
  ): TrueEnd {
    const { now } = this.#options.scheduler;
    const end: TrueEnd = {
      ...what,
      by: node.process,
      beganAt: now,
      acknowledgedAt: null,
      blockedUntil: now + blockFor,
    };
    this.#options.ends.all.push(end);
    return end;
  }

  #acknowledge(end: TrueEnd, ending: Promise<void>): void {
    const { scheduler, trace, verdicts } = this.#options;
    ending.then(
      () => {
        end.acknowledgedAt = scheduler.now;
        trace.note(
          end.by.name,
          () => `acknowledges the ${end.kind} of ${end.subject}/${end.sessionId ?? ""}`,
        );
      },
      (error: unknown) => {
        trace.note(
          end.by.name,
          () => `cannot acknowledge the ${end.kind} of ${end.subject}: ${String(error)}`,
        );
        if (error instanceof SessionProxyError && error.code === "QSP-STORE") return;
        verdicts.violated(
          "every-waiter-is-answered",
          `a ${end.kind} failed: ${String((error as Error).stack)}`,
        );
      },
    );
  }

  #expire(): void {
    const { scheduler, random, plan, tenant } = this.#options;
    scheduler.after(random.wait(plan.expiryEvery), () => {
      if (this.#isOver) return;
      const living = [...tenant.records.values()].filter(({ endedAt }) => endedAt === null);
      // One in four times the tenant forgets all of them.
      const some = random.chance(0.25)
        ? living
        : living.slice(random.below(Math.max(1, living.length))).slice(0, 1);
      for (const record of some) tenant.expire(record);
      this.#expire();
    });
  }

  #anyNode(): SimulatedNode {
    return this.#options.random.pick(this.#options.nodes());
  }

  #anyBrowser(): Browser {
    const { host, random } = this.#options;
    const [first, ...rest] = host.users.flatMap(({ browsers }) => browsers);
    if (!first) throw new Error("a world without people");
    return random.pick([first, ...rest]);
  }
}
