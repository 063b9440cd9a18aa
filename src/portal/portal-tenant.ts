/** What the portal knows of the tenant. */
export interface PortalTenant {
  readonly origin: string;
  /** Certificate authority of the tenant, PEM. */
  readonly ca: string;
  readonly signingKey: { readonly issuer: string; readonly keyId: string; readonly privateKey: string };
  /** For the chart that is embedded without the proxy. */
  readonly webIntegrationId: string;
  /** A way to end a user's session at the tenant behind everybody's back; only a local tenant has one. */
  readonly control?: { readonly expire: (subject: string) => Promise<void> };
}
