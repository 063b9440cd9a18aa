import { createHmac, randomBytes } from "node:crypto";
import type { OptionProblem } from "../../errors.ts";
import type { Identify } from "../../identity/identify.ts";
import { isPlainObject } from "../../options/check-shape.ts";
import type { CheckSource } from "./sources/checked-source.ts";
import { checkBearerSource } from "./sources/bearer.ts";
import { checkOidcSource } from "./sources/oidc.ts";
import { checkTrustedHeaderSource } from "./sources/trusted-header.ts";
import { checkWhoamiSource } from "./sources/whoami.ts";

/** Every identity source by its key below `identity`; its own keys stand in the schema. */
const sources: Readonly<Record<string, CheckSource>> = {
  trustedHeader: checkTrustedHeaderSource,
  bearer: checkBearerSource,
  whoami: checkWhoamiSource,
  oidc: checkOidcSource,
};

/** The identity source of a configuration, and what is wrong with it. */
export interface IdentitySource {
  /** Nobody, as long as there are problems. */
  readonly identify: Identify;
  /** Names of the headers that it reads. */
  readonly headerNames: readonly string[];
  readonly problems: readonly OptionProblem[];
  readonly warnings: readonly OptionProblem[];
}

/** Of this process alone: settings may hold a secret, which nobody shall guess from what is left of it. */
const digestKey = randomBytes(32);

/** Whatever a source is made of. */
const digestOf = ({ identity, unsafe }: Readonly<Record<string, unknown>>): string =>
  createHmac("sha256", digestKey)
    .update(JSON.stringify([identity, unsafe]))
    .digest("base64");

/** Makes the identity source out of a tree whose shape may still be wrong. */
export function checkIdentity(tree: Readonly<Record<string, unknown>>): IdentitySource {
  const { identity } = tree;
  const nobody = (...problems: readonly OptionProblem[]): IdentitySource => ({
    identify: () => null,
    headerNames: [],
    problems,
    warnings: [],
  });
  if (!isPlainObject(identity)) return nobody();
  const names = Object.keys(identity);
  const [name] = names;
  if (name === undefined || names.length > 1) {
    const found = names.length > 1 ? `, not ${names.join(" and ")}` : "";
    return nobody({
      path: "identity",
      message: `must name exactly one source, such as trustedHeader${found}`,
    });
  }
  const keys = identity[name];
  const check = Object.hasOwn(sources, name) ? sources[name] : undefined;
  if (check === undefined || !isPlainObject(keys)) return nobody();
  const { identify, headerNames = [], problems, warnings = [] } = check(keys, tree);
  if (identify === undefined) return nobody(...problems);
  return { identify: Object.assign(identify, { madeOf: digestOf(tree) }), headerNames, problems, warnings };
}
