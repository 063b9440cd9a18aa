import { createPrivateKey, X509Certificate } from "node:crypto";
import { createSecureContext } from "node:tls";
import type { OptionProblem } from "../../errors.ts";
import { isPlainObject } from "../../options/check-shape.ts";

/** Says what is wrong with the listener's certificate and key; nothing when they can be used. */
export function tlsProblems(tls: unknown): readonly OptionProblem[] {
  if (!isPlainObject(tls)) return [];
  const { cert, key } = tls;
  const certificate = typeof cert === "string" ? tryTo(() => new X509Certificate(cert)) : undefined;
  const privateKey = typeof key === "string" ? tryTo(() => createPrivateKey(key)) : undefined;
  if (certificate === null) return [{ path: "tls.cert", message: "is not a certificate in PEM" }];
  if (privateKey === null)
    return [{ path: "tls.key", message: "is not a private key in PEM without a passphrase" }];
  if (certificate === undefined || privateKey === undefined) return [];
  if (!certificate.checkPrivateKey(privateKey)) {
    return [{ path: "tls.key", message: "does not belong to the certificate" }];
  }
  const usable = tryTo(() => createSecureContext({ cert: certificate.toString(), key: String(key) }));
  return usable === null ? [{ path: "tls.cert", message: "is refused by OpenSSL for a server" }] : [];
}

/** The result, or null when it cannot be had. */
function tryTo<Result>(make: () => Result): Result | null {
  try {
    return make();
  } catch {
    return null;
  }
}
