import type { EmulatorClock } from "./clock.ts";
import { randomHex } from "./random-values.ts";

/** What a login says about a person. */
export interface Person {
  readonly subject: string;
  readonly name: string;
  readonly email?: string;
  readonly groups: readonly string[];
}

/** A user of the tenant (facts §2.5). */
export interface TenantUser extends Person {
  /** 24 hexadecimal characters; the same as long as the subject is the same. */
  readonly id: string;
  readonly status: "active" | "disabled";
  /** Milliseconds since the Unix epoch. */
  readonly createdAt: number;
  readonly lastUpdatedAt: number;
}

/** People who can sign in to the local tenant without a portal. The engine reduces its data by their groups. */
export const sampleUsers: readonly Person[] = [
  {
    subject: "alice@example.test",
    name: "Alice Johansson",
    email: "alice@example.test",
    groups: ["Sales EMEA"],
  },
  {
    subject: "bruno@example.test",
    name: "Bruno Keller",
    email: "bruno@example.test",
    groups: ["Sales Americas"],
  },
];

/** The users of the tenant, looked up by subject. */
export interface UserDirectory {
  /** Creates the user at the first login, refreshes name, email and groups at every later one (facts §2.5). */
  signIn(person: Person): TenantUser;
  find(subject: string): TenantUser | undefined;
  list(): readonly TenantUser[];
  /** Disables a user, or takes the user back. Sessions that exist are not touched. */
  setStatus(subject: string, status: TenantUser["status"]): void;
}

/** Creates an empty directory. */
export function createUserDirectory(clock: EmulatorClock): UserDirectory {
  const users = new Map<string, TenantUser>();
  function signIn(person: Person): TenantUser {
    const now = clock.now();
    const known = users.get(person.subject);
    const user: TenantUser = {
      ...person,
      id: known?.id ?? randomHex(24),
      status: known?.status ?? "active",
      createdAt: known?.createdAt ?? now,
      lastUpdatedAt: now,
    };
    users.set(person.subject, user);
    return user;
  }
  return {
    signIn,
    find: (subject) => users.get(subject),
    list: () => [...users.values()],
    setStatus(subject, status) {
      const user = users.get(subject) ?? signIn({ subject, name: subject, groups: [] });
      users.set(subject, { ...user, status });
    },
  };
}
