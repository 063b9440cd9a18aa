import { join } from "node:path";
import { identityProviderSteps } from "../identity-provider-steps.ts";
import { fileNames } from "./config-text.ts";
import { identityTexts } from "./identity-choices.ts";
import type { SigningPair } from "./signing-pair.ts";
import type { Wishes } from "./wishes.ts";

/** What was made, and what is to be done now. */
export interface Outcome {
  readonly folder: string;
  readonly written: readonly string[];
  readonly wishes: Wishes;
  readonly pair: SigningPair;
}

const numbered = (number: number, lines: readonly string[]): readonly string[] =>
  lines.map((line, index) => (index === 0 ? `${number}. ${line}` : `   ${line}`));

/** Says what to paste where, and how to go on. */
export function instructions({ folder, written, wishes, pair }: Outcome): string {
  const config = join(folder, fileNames.config);
  const certificateFile = join(folder, pair.certificateFile);
  const { keyId } = pair;
  const steps = [
    identityProviderSteps({ certificateFile, keyId, issuer: wishes.issuer }),
    [
      "Also there, where you use it:",
      "  Settings > Groups      creation of groups on, or groups of the login are dropped",
      "  Users > Licences       automatic assignment on, or assign a licence to each user",
      "  IP policies            add the address that this machine has on the internet",
    ],
    identityTexts[wishes.identity].todo,
    [
      `In the front door of ${wishes.publicOrigin}: lead /qlik/ to ${wishes.listen}, with Host, Upgrade and Connection`,
      "as the browser sent them.",
    ],
    [
      "Then:",
      `  qlik-session-proxy validate -c ${config}`,
      `  qlik-session-proxy doctor -c ${config}`,
      `  qlik-session-proxy serve -c ${config}`,
    ],
  ];
  return [
    "Written:",
    ...written.map((file) => `  ${file}`),
    ...(pair.isNew ? [] : [`Kept: ${join(folder, pair.privateKeyFile)} and its certificate`]),
    "",
    ...steps.flatMap((lines, index) => [...numbered(index + 1, lines), ""]),
    pair.certificate.trimEnd(),
  ].join("\n");
}
