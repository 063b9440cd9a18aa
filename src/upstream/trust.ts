import * as tls from "node:tls";

/** Whom a connection believes to be the tenant; nothing for plain HTTP. */
export interface Trust {
  readonly secureContext?: tls.SecureContext;
  readonly rejectUnauthorized?: true;
}

/**
 * Makes one context for all connections to an origin: passing it on costs far less than reading the authorities again.
 * Verification cannot be switched off, only extended by an authority.
 */
export function trustOf(origin: string, ca: string | undefined): Trust {
  if (!origin.startsWith("https:")) return {};
  const secureContext = tls.createSecureContext(
    ca === undefined ? {} : { ca: [...tls.rootCertificates, ca] },
  );
  return { secureContext, rejectUnauthorized: true };
}
