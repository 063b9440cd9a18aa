import type { OptionProblem } from "../../errors.ts";
import type { SessionProxyOptions } from "../../options/session-proxy-options.ts";
import type { ResolvedOptions } from "../../options/resolved-options.ts";
import type { ConfigSources, ServerConfig } from "../../server/config/load.ts";
import type { TenantSession } from "../../session/tenant-session.ts";
import type { AssertionKey } from "../../tenant/assertion.ts";
import type { ClaimSource } from "../../tenant/claims.ts";
import type { TenantAnswer } from "../../tenant/port.ts";
import type { Upstream } from "../../upstream/upstream.ts";

/** What was asked of the doctor. */
export interface Questions {
  readonly sources: ConfigSources;
  /** Of several tenants, the one that is visited. */
  readonly tenant?: string | undefined;
  /** Who is signed in; a user of the doctor's own where nobody was named. */
  readonly person: Partial<ClaimSource>;
  /** The app whose engine is asked; the first that the user sees where none was named. */
  readonly app: string | undefined;
}

/** What the steps find out for those after them. */
export interface Known {
  /** With the options of the tenant alone. */
  readonly config: ServerConfig & { readonly options: SessionProxyOptions };
  readonly warnings: readonly OptionProblem[];
  readonly keyProblems: readonly OptionProblem[];
  readonly options: ResolvedOptions;
  readonly person: ClaimSource;
  readonly upstream: Upstream;
  /** Address of the tenant's host. */
  readonly address: string;
  /** The tenant's first answer, and the middle of the time that it took. */
  readonly firstAnswer: { readonly answer: TenantAnswer; readonly at: number };
  /** How far the tenant's clock is ahead of this machine's. Seconds. */
  readonly skew: number;
  readonly session: TenantSession;
  readonly loginCookies: readonly string[];
  readonly csrfToken: string;
  readonly user: Readonly<Record<string, unknown>>;
  /** Id of the first app that the user sees. */
  readonly firstApp: string;
  /** Whether the proxy is what answers at publicOrigin. */
  readonly isServed: boolean;
}

/** One visit to a tenant: what is asked, and what has been found out so far. */
export class Visit {
  readonly questions: Questions;
  /** Aborted when the operator wants to stop: what was begun is ended, nothing else is tried. */
  readonly interruption: AbortController = new AbortController();
  readonly #known: Partial<Known> = {};

  constructor(questions: Questions) {
    this.questions = questions;
  }

  note<Name extends keyof Known>(name: Name, value: Known[Name]): void {
    (this.#known as { [Key in keyof Known]?: Known[Key] })[name] = value;
  }

  /** What an earlier step found out; the steps that one needs have been there. */
  get<Name extends keyof Known>(name: Name): Known[Name] {
    const value = this.find(name);
    if (value === undefined) throw new Error(`no step has found out ${name}`);
    return value as Known[Name];
  }

  /** The key that signs; only kinds of tenant that have one ask for it. */
  get signingKey(): AssertionKey {
    const [first] = this.get("options").tenant.signingKeys;
    if (first === undefined) throw new Error("this kind of tenant has no signing key");
    return first;
  }

  find<Name extends keyof Known>(name: Name): Known[Name] | undefined {
    return this.#known[name];
  }
}
