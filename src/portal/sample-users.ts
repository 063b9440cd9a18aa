/** A user of the sample portal. What they may see is decided in the tenant, by the group. */
export interface SampleUser {
  /** The name in addresses and forms of the portal. */
  readonly key: string;
  /** The subject at the tenant's identity provider. */
  readonly subject: string;
  readonly name: string;
  readonly email: string;
  readonly group: string;
  readonly title: string;
}

/** The two people who can sign in; no passwords, the portal says that it is a sample. */
export const sampleUsers: readonly SampleUser[] = [
  {
    key: "alice",
    subject: "alice@example.test",
    name: "Alice Johansson",
    email: "alice@example.test",
    group: "Sales EMEA",
    title: "Regional manager, EMEA",
  },
  {
    key: "bruno",
    subject: "bruno@example.test",
    name: "Bruno Keller",
    email: "bruno@example.test",
    group: "Sales Americas",
    title: "Regional manager, Americas",
  },
];
