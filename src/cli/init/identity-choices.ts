/** Identity sources that a configuration can name. product B2 */
export const identityChoices = ["trustedHeader", "bearer", "whoami", "oidc"] as const;

/** One of them. */
export type IdentityChoice = (typeof identityChoices)[number];

/** Reads a choice; `trusted-header` is `trustedHeader`. */
export function toIdentityChoice(text: string): IdentityChoice | null {
  const wanted = text.replaceAll("-", "").toLowerCase();
  return identityChoices.find((choice) => choice.toLowerCase() === wanted) ?? null;
}

/** How a configuration names a source, and what is left to the operator. */
export interface IdentityText {
  /** Lines of YAML below `identity:`. */
  readonly yaml: readonly string[];
  /** What has to be done for it elsewhere. */
  readonly todo: readonly string[];
}

/** The lines for each source. */
export const identityTexts: Readonly<Record<IdentityChoice, IdentityText>> = {
  trustedHeader: {
    yaml: [
      "# Headers that your front door sets for a signed-in user, and from where they are believed.",
      "trustedHeader:",
      "  from: [127.0.0.1/32]",
      "  subject: X-User-Sub",
      "  name: X-User-Name",
      "  email: X-User-Email",
      "  groups: X-User-Groups",
      "  sessionId: X-User-Session",
    ],
    todo: [
      "Let the front door set X-User-Sub, X-User-Name, X-User-Email, X-User-Groups (a JSON array) and X-User-Session",
      "for every request, so that those of a client are overwritten; empty where nobody is signed in.",
    ],
  },
  bearer: {
    yaml: [
      "# A token of your own that comes with each request.",
      "bearer:",
      "  header: Authorization",
      "  jwksUrl: https://idp.example.com/.well-known/jwks.json",
      "  issuer: https://idp.example.com",
      "  audience: qlik-session-proxy",
    ],
    todo: ["Set identity.bearer to who issues your tokens: jwksUrl, issuer, audience."],
  },
  whoami: {
    yaml: [
      "# A page of your application that says who the request's cookie belongs to.",
      "whoami:",
      "  url: http://127.0.0.1:3000/me",
      "  forwardHeaders: [cookie]",
    ],
    todo: [
      "Let identity.whoami.url answer 200 with {subject, name, email, groups, sessionId}, or 401 where nobody is signed in.",
    ],
  },
  oidc: {
    yaml: [
      "# The proxy itself signs users in at your identity provider.",
      "oidc:",
      "  issuer: https://idp.example.com",
      "  clientId: qlik-session-proxy",
      "  clientSecretFile: secrets/oidc-client-secret",
    ],
    todo: [
      "Set identity.oidc to your identity provider, and write the client's secret into secrets/oidc-client-secret (mode 600).",
    ],
  },
};
