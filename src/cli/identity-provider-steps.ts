/** What the tenant has to know of a key. */
export interface RegisteredKey {
  readonly certificateFile: string;
  readonly keyId: string;
  readonly issuer: string;
}

/** What an administrator enters where, in Qlik Cloud. facts §1.1, §1.2 */
export const identityProviderSteps = ({
  certificateFile,
  keyId,
  issuer,
}: RegisteredKey): readonly string[] => [
  "In Qlik Cloud: Administration > Identity providers > Create new > JWT",
  `  Certificate   ${certificateFile} (below, with its first and last line)`,
  `  Key ID        ${keyId}`,
  `  Issuer        ${issuer}`,
];
