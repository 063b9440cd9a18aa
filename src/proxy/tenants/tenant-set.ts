import type { IncomingMessage } from "node:http";
import { type OptionProblem, OptionsError } from "../../errors.ts";
import type { Identify } from "../../identity/identify.ts";
import type { Identity } from "../../identity/identity.ts";
import type { Clock } from "../../kernel/clock.ts";
import { atMost } from "../../kernel/deadline.ts";
import { changedPlaces } from "../../options/changed-options.ts";
import { needsRestart } from "../../options/fixed-options.ts";
import type { ResolvedOptions } from "../../options/resolved-options.ts";
import type { ResolvedTenant, ResolvedTenants } from "../../options/several-tenants.ts";
import type { MatchKind } from "../../options/tenant-entries.ts";
import type { SessionStore } from "../../store/session-store.ts";
import { hostFailure } from "../admission.ts";
import type { GivenParts, SessionEnds } from "../create-session-proxy.ts";
import type { Assigned } from "../door-contexts.ts";
import type { LogOut } from "../own/own-sign-in.ts";
import { openStore } from "../open-store.ts";
import type { RequestHead } from "../request-head.ts";
import type { Reloaded, TenantProxy } from "../session-proxy.ts";
import { orNobody, waitForHost } from "../sign-in.ts";
import { Answers, ofNoTenant, sourceFor } from "./claimed-identity.ts";
import { findTenant } from "./find-tenant.ts";
import { lend } from "./lent-store.ts";

/** Makes the proxy of one tenant. */
export type Assemble = (options: ResolvedOptions, clock: Clock, given: GivenParts) => TenantProxy;

/** A tenant, and the proxy that is its alone. */
export interface Served extends ResolvedTenant {
  readonly proxy: TenantProxy;
}

/** Does something for each, also where it fails for some. Rejects with the first error. */
export async function everyone<Each, T>(
  all: readonly Each[],
  work: (each: Each) => Promise<T>,
): Promise<readonly T[]> {
  const outcomes = await Promise.allSettled(all.map(work));
  const failed = outcomes.find((each) => each.status === "rejected");
  if (failed) throw failed.reason;
  return outcomes.flatMap((each) => (each.status === "fulfilled" ? [each.value] : []));
}

/** How long the end of all waits for tenants that were taken out of the configuration. Milliseconds. */
const farewell = 1500;

/** The tenants of a proxy: each has one of its own, with everything that a proxy has but the identity source and the store. */
export class TenantSet {
  readonly by: MatchKind;
  readonly #clock: Clock;
  readonly #assemble: Assemble;
  readonly #answers = new Answers();
  readonly #storeChoice: ResolvedOptions["store"];
  /** Kept in memory, sessions of each tenant have a store of their own; others are opened once. */
  readonly #store: SessionStore | null;
  /** Those that are served no more, until their sessions are ended; by their origin. */
  readonly #retiring = new Map<string, Promise<void>>();
  #source: Identify;
  #served: readonly [Served, ...Served[]];

  constructor({ by, tenants, identify }: ResolvedTenants, clock: Clock, assemble: Assemble) {
    const [first, ...others] = tenants;
    const { store, timeouts } = first.options;
    this.by = by;
    this.#clock = clock;
    this.#assemble = assemble;
    this.#source = identify;
    this.#storeChoice = store;
    this.#store = store.kind === "memory" ? null : openStore(store, { clock, timeout: timeouts.store });
    this.#served = [this.#serve(first, identify), ...others.map((each) => this.#serve(each, identify))];
  }

  get served(): readonly [Served, ...Served[]] {
    return this.#served;
  }

  /** The tenant of a request, as far as its head says; undefined where it is nobody's. */
  find(request: RequestHead): Served | undefined {
    return findTenant(this.#served, this.by, request);
  }

  /** At every tenant: an order of whoever signed a person in comes to one of them, and is meant for all. */
  readonly #ends: SessionEnds = {
    logout: async (identity) => void (await everyone(this.#served, ({ proxy }) => proxy.logoutOf(identity))),
    revoke: async (subject) => void (await everyone(this.#served, ({ proxy }) => proxy.revoke({ subject }))),
  };
  /** Whom a log-out of the browser is of, by claim; at every tenant, for the claim may have changed since they began. */
  readonly logOut: LogOut = {
    identify: (request) => this.#identify(request, this.#answers.take(request)).catch(orNobody),
    logout: this.#ends.logout,
  };

  /** Makes everything that other options need, and changes nothing; as the proxy of one tenant does. @throws OptionsError */
  prepareReload(wanted: ResolvedOptions | ResolvedTenants): () => Reloaded {
    if (!("tenants" in wanted) || wanted.by !== this.by)
      throw new OptionsError([{ path: "tenants", message: needsRestart }]);
    const { madeOf } = this.#source;
    const source = madeOf !== undefined && madeOf === wanted.identify.madeOf ? this.#source : wanted.identify;
    const problems: OptionProblem[] = [];
    const steps = wanted.tenants.map((tenant, index) => this.#prepare({ tenant, index, source }, problems));
    if (problems.length > 0)
      throw new OptionsError([...new Map(problems.map((each) => [each.path, each])).values()]);
    return () => {
      const before = this.#served;
      const after = steps.map((step) => step());
      this.#served = after.map(({ served }) => served) as unknown as [Served, ...Served[]];
      if (source !== this.#source) this.#source.close?.();
      this.#source = source;
      const gone = before.filter(({ name }) => !this.#served.some((each) => each.name === name));
      const closed = [...after, ...gone.map((each) => ({ socketsClosed: this.#retire(each) }))];
      return { socketsClosed: closed.reduce((sum, { socketsClosed }) => sum + socketsClosed, 0) };
    };
  }

  async close(): Promise<void> {
    await Promise.all(this.#served.map(({ proxy }) => proxy.close()));
    await atMost(farewell, Promise.all(this.#retiring.values()));
    this.#source.close?.();
    await this.#store?.close();
  }

  /** Whose rules a request goes on by, where tenants are told apart by who asks. @throws SessionProxyError */
  readonly #assign = async (request: IncomingMessage, isPublic: boolean): Promise<Assigned> => {
    const asked = this.#identify(request);
    // What everybody may see, who cannot be known sees too, at the first tenant.
    const identity = await (isPublic ? asked.catch(() => null) : asked);
    const [first] = this.#served;
    const found = identity === null ? first : this.#served.find(({ match }) => match === identity.tenant);
    if (found === undefined && !isPublic) throw ofNoTenant();
    const { proxy } = found ?? first;
    return { doors: proxy.doors(), enter: () => proxy.enter() };
  };

  /** Who the host says this is, whatever tenant that is of, for so long as it may take. @throws SessionProxyError */
  async #identify(
    request: IncomingMessage,
    answer = this.#answers.ask(this.#source, request),
  ): Promise<Identity | null> {
    try {
      return await waitForHost(this.#served[0].options.timeouts.login, answer);
    } catch (error) {
      throw hostFailure(error);
    }
  }

  #prepare(
    {
      tenant,
      index,
      source,
    }: { readonly tenant: ResolvedTenant; readonly index: number; readonly source: Identify },
    problems: OptionProblem[],
  ): () => Reloaded & { readonly served: Served } {
    const known = this.#served.find(({ name }) => name === tenant.name);
    if (known === undefined) {
      problems.push(...this.#problemsOfNew(tenant, index));
      return () => ({ served: this.#serve(tenant, source), socketsClosed: 0 });
    }
    if (known.match !== tenant.match)
      problems.push({ path: `tenants[${index}].match.${this.by}`, message: needsRestart });
    try {
      const commit = known.proxy.prepareReload(this.#optionsOf(tenant, source));
      return () => ({ ...commit(), served: { ...tenant, proxy: known.proxy } });
    } catch (error) {
      if (!(error instanceof OptionsError)) throw error;
      problems.push(
        ...error.problems.map(({ path, message }) => ({ path: placed(path, index, this.by), message })),
      );
      return () => ({ served: known, socketsClosed: 0 });
    }
  }

  /** Two proxies of one tenant would take its sessions for their own, and the one that goes would end those of the other. */
  #problemsOfNew({ options: { tenant, store } }: ResolvedTenant, index: number): readonly OptionProblem[] {
    const path = `tenants[${index}].origin`;
    const same = this.#served.find(({ options }) => options.tenant.origin === tenant.origin);
    const isOtherStore = changedPlaces({ store: this.#storeChoice }, { store }).length > 0;
    return [
      ...(same
        ? [{ path, message: `is the tenant of "${same.name}": leave its name, or restart the server` }]
        : []),
      ...(this.#retiring.has(tenant.origin)
        ? [
            {
              path,
              message:
                "is the tenant of an entry that was just taken out: its sessions are still being ended",
            },
          ]
        : []),
      ...(isOtherStore ? [{ path: "store", message: needsRestart }] : []),
    ];
  }

  #serve(tenant: ResolvedTenant, source: Identify): Served {
    const given: GivenParts = {
      ...(this.#store === null ? {} : { store: lend(this.#store) }),
      ends: this.#ends,
      ...(this.by === "claim" ? { assign: this.#assign, logOut: this.logOut } : {}),
    };
    return { ...tenant, proxy: this.#assemble(this.#optionsOf(tenant, source), this.#clock, given) };
  }

  #optionsOf({ match, options }: ResolvedTenant, source: Identify): ResolvedOptions {
    const claim = this.by === "claim" ? { value: match, answers: this.#answers } : undefined;
    return Object.freeze({ ...options, identify: sourceFor(source, claim) });
  }

  /** The number of its sockets, which are closed. */
  #retire({ options, proxy }: Served): number {
    const { origin } = options.tenant;
    const { sockets } = proxy.stats();
    const retiring = proxy
      .retire()
      .catch(() => {})
      .then(() => void this.#retiring.delete(origin));
    this.#retiring.set(origin, retiring);
    return sockets;
  }
}

/** Where the operator wrote what the proxy of one tenant calls by another name. */
function placed(path: string, index: number, by: MatchKind): string {
  if (path === "tenant" || path.startsWith("tenant."))
    return `tenants[${index}]${path.slice("tenant".length)}`;
  if (path === "prefix" && by === "prefix") return `tenants[${index}].match.prefix`;
  return path === "publicOrigin" && by === "host" ? `tenants[${index}].publicOrigin` : path;
}
