/** Why a step can fail, and what to do about it. */
export interface Cause {
  /** What is the matter, as a sentence. */
  readonly because: string;
  /** What puts it right, as a sentence. */
  readonly remedy: string;
}

/** The name of a cause. */
export type CauseName =
  | "wrong-configuration"
  | "wrong-key"
  | "readable-secret"
  | "wrong-claims"
  | "address-in-use"
  | "address-unusable"
  | "store-unreachable"
  | "unknown-host"
  | "connection-refused"
  | "connection-timeout"
  | "unknown-authority"
  | "other-name"
  | "certificate-dates"
  | "no-tls"
  | "address-not-admitted"
  | "tenant-down"
  | "not-qlik-cloud"
  | "clock-skew"
  | "no-identity-provider"
  | "unknown-issuer"
  | "other-certificate"
  | "missing-claim"
  | "missing-user-claim"
  | "token-repeated"
  | "token-refused"
  | "origin-added"
  | "user-refused"
  | "no-licence"
  | "login-throttled"
  | "no-session-cookie"
  | "damaged-cookies"
  | "no-csrf-token"
  | "csrf-refused"
  | "session-lost"
  | "rest-refused"
  | "shared-cache"
  | "other-user"
  | "shorter-limits"
  | "groups-missing"
  | "foreign-links"
  | "upgrade-refused"
  | "item-id"
  | "app-not-found"
  | "app-denied"
  | "access-lag"
  | "no-first-message"
  | "engine-closed"
  | "engine-refused"
  | "unsafe-answer"
  | "door-unreachable"
  | "door-elsewhere"
  | "door-host"
  | "door-upgrade"
  | "door-identity"
  | "session-left"
  | "profile-not-written"
  | "unexpected";

const cause = (because: string, remedy: string): Cause => ({ because, remedy });

/** Every cause that `doctor` knows by name; docs/reference/doctor.md shows them all. */
export const causes: Readonly<Record<CauseName, Cause>> = {
  "wrong-configuration": cause(
    "The configuration is wrong.",
    "Put right what is listed; `validate -c FILE` shows the same list.",
  ),
  "wrong-key": cause(
    "The signing key cannot be used.",
    "Put right what is listed. `keygen` makes a pair of key and certificate that fit.",
  ),
  "readable-secret": cause(
    "Every user of this machine can read a file that holds a secret.",
    "chmod 600 the file that is named.",
  ),
  "wrong-claims": cause(
    "The token that a login would send is not as the tenant asks for it.",
    "Read what is listed; the claims come from the identity source.",
  ),
  "address-in-use": cause(
    "Another program has the address that the proxy wants to listen on.",
    "Stop the other program, or change the key that is named.",
  ),
  "address-unusable": cause(
    "The proxy cannot listen on its address.",
    "Name an address of this machine, and a port above 1023 where the proxy is not root.",
  ),
  "store-unreachable": cause(
    "The session store cannot be read and written.",
    "Compare session.store with the store: host, port, TLS, user, password; for file:DIR, the folder and its owner.",
  ),
  "unknown-host": cause(
    "The tenant's host name cannot be resolved.",
    "Compare tenant.origin with the address that a browser shows in the tenant; then the resolver of this machine.",
  ),
  "connection-refused": cause(
    "Nothing accepts connections at the tenant's address.",
    "Compare tenant.origin; then ask for a firewall between this machine and the tenant.",
  ),
  "connection-timeout": cause(
    "The tenant's address does not answer.",
    "Open the firewall from this machine to the tenant on its port; the proxy connects by itself, not through an HTTP proxy.",
  ),
  "unknown-authority": cause(
    "The tenant's certificate is not from an authority that this machine trusts.",
    "If a device of your network breaks TLS open, or this is a local tenant, name its certificate in tenant.caFile.",
  ),
  "other-name": cause(
    "The certificate is for another host name.",
    "Use the host name of the certificate in tenant.origin; if it is right, something else answers in the tenant's place.",
  ),
  "certificate-dates": cause(
    "The tenant's certificate is not valid at this machine's time.",
    "Set this machine's clock (NTP). If it is right, the certificate has run out.",
  ),
  "no-tls": cause(
    "What answers there does not speak TLS.",
    "Compare the port in tenant.origin; Qlik Cloud has 443.",
  ),
  "address-not-admitted": cause(
    "The tenant refuses every request of this machine, also those that need no session.",
    "If the tenant has an IP policy, add the address that this machine has on the internet: Administration > IP policies.",
  ),
  "tenant-down": cause(
    "The tenant breaks off, is silent, or fails by itself.",
    "Try again in a minute, and look at status.qlikcloud.com; then at proxies between this machine and the tenant.",
  ),
  "not-qlik-cloud": cause(
    "What answers at tenant.origin does not behave as Qlik Cloud does.",
    "Set tenant.origin to the tenant's own address, such as https://acme.eu.qlikcloud.com, without a path.",
  ),
  "clock-skew": cause(
    "The clocks of this machine and of the tenant differ by more than a login token allows.",
    "Let NTP set this machine's clock: timedatectl set-ntp true. The tenant's clockToleranceSec only helps with seconds.",
  ),
  "no-identity-provider": cause(
    "The tenant has no JWT identity provider for this host name.",
    "Create one under Administration > Identity providers > Create new > JWT, with the certificate, key id and issuer that `init` or `keygen` printed; and compare the host in tenant.origin.",
  ),
  "unknown-issuer": cause(
    "The tenant knows no identity provider with this issuer and key id: a made-up issuer gets the same answer.",
    "Compare tenant.signingKeys[0].issuer and .keyId with Administration > Identity providers, letter by letter. If both are the same, compare the certificate, and whether the provider is active.",
  ),
  "other-certificate": cause(
    "The tenant knows issuer and key id, but holds another certificate, or one that was damaged: a made-up signature gets the same answer.",
    "Create a new identity provider with the file of tenant.signingKeys[0].certificateFile, pasted whole, with its line breaks.",
  ),
  "missing-claim": cause(
    "The tenant misses a claim that every token of this version carries.",
    "Something between this machine and the tenant changes the token, or the tenant asks for more than is known; report the claim that is named.",
  ),
  "missing-user-claim": cause(
    "The tenant misses a claim that the identity source gives for each user.",
    "Let the identity source give name and e-mail (identity.trustedHeader.name, .email); for this run, use --name and --email.",
  ),
  "token-repeated": cause(
    "The tenant has seen the token before, though it was made for this login.",
    "A proxy between this machine and the tenant sends requests twice; switch its retries off for POST.",
  ),
  "token-refused": cause(
    "The tenant knows the key, and does not take the token.",
    "Look at the claims that the step `claims` shows; compare the subject with the users of the tenant.",
  ),
  "origin-added": cause(
    "The tenant sees an Origin header, which this proxy does not send.",
    "A proxy between this machine and the tenant adds it; let it send none.",
  ),
  "user-refused": cause(
    "The tenant does not admit this user.",
    "Look for the subject under Administration > Users: disabled, deleted, or of another tenant? Try another --subject.",
  ),
  "no-licence": cause(
    "The user has no licence in the tenant.",
    "Assign one under Administration > Users, or switch on automatic assignment of licences.",
  ),
  "login-throttled": cause(
    "The tenant limits logins, and the limit is reached.",
    "Wait as long as is said. If it comes back: one login per session is enough, so look for programs that log in per page view, and share session.store among replicas.",
  ),
  "no-session-cookie": cause(
    "The login went well and brought no session cookie.",
    "Something between this machine and the tenant takes Set-Cookie away, or joins several into one line; or tenant.origin is no Qlik Cloud tenant.",
  ),
  "damaged-cookies": cause(
    "The cookies of the login are not whole.",
    "Something between this machine and the tenant joins Set-Cookie lines with commas, or drops some; let it pass them as they are.",
  ),
  "no-csrf-token": cause(
    "The tenant gives no CSRF token for a living session.",
    "Report the answer; requests with effects and sockets would be refused. Does something between change cookies or headers?",
  ),
  "csrf-refused": cause(
    "The tenant does not take the CSRF token that it gave a moment ago.",
    "Something between this machine and the tenant drops the header qlik-csrf-token or changes cookies; let both pass.",
  ),
  "session-lost": cause(
    "The tenant does not know the session that it began a moment ago.",
    "Something between this machine and the tenant drops or changes cookies; let Cookie and Set-Cookie pass as they are.",
  ),
  "rest-refused": cause(
    "The tenant refuses what every session may read.",
    "Look at the status; compare the user's roles and state under Administration > Users.",
  ),
  "shared-cache": cause(
    "A cache answers in the place of the tenant, or of the proxy: one user could get the data of another.",
    "Switch caching off in what stands between, for everything but static files.",
  ),
  "other-user": cause(
    "The tenant's session belongs to another user than the one who was signed in.",
    "Do not go on: something between shares answers or cookies among users.",
  ),
  "shorter-limits": cause(
    "Sessions end earlier at the tenant than the configuration says.",
    "Set tenant.sessionIdle and tenant.sessionLifetime to the tenant's own values; they are named above.",
  ),
  "groups-missing": cause(
    "The tenant did not take over the groups of the login.",
    "Switch on autoCreateGroups and syncIdpGroups (PATCH /api/v1/groups/settings, or Administration > Settings > Groups).",
  ),
  "foreign-links": cause(
    "The tenant's links name another host than tenant.origin, so that they are not led through the proxy.",
    "Set tenant.origin to the host that is named.",
  ),
  "upgrade-refused": cause(
    "The tenant refuses WebSockets, though requests pass.",
    "Something between this machine and the tenant adds an Origin, or drops the query or the headers Upgrade and Connection; let it pass WebSockets as they are.",
  ),
  "item-id": cause(
    "The id is that of an item of the hub, not that of an app.",
    "Use the app's own id, which is named above: the item's resourceId.",
  ),
  "app-not-found": cause(
    "The tenant has no such app for this user.",
    "Compare the id (the app's, not its item's) and the user's access to its space.",
  ),
  "app-denied": cause("The user may not open the app.", "Give the user access to the space of the app."),
  "access-lag": cause(
    "The tenant's access control lags behind the first login of this user.",
    "Wait a minute and run doctor again; the proxy does so for users by itself.",
  ),
  "no-first-message": cause(
    "The socket opens, and the engine's first message never comes: widgets would wait for ever.",
    "Something between this machine and the tenant holds back what comes after the 101; let it pass WebSockets unbuffered.",
  ),
  "engine-closed": cause(
    "The engine closes the socket at once.",
    "Look up the close code that is named; 4205, 4220 and 4240 pass by themselves, 4230 is a question of licences.",
  ),
  "engine-refused": cause(
    "The engine does not begin a session for this user.",
    "Look at the state that is named: licences under Administration, access under the space of the app.",
  ),
  "unsafe-answer": cause(
    "An answer would not reach the browser as it should.",
    "Report this with the name of the header: it is a fault of the proxy.",
  ),
  "door-unreachable": cause(
    "publicOrigin cannot be reached from here.",
    "Compare publicOrigin with what the browser shows; then its name, certificate and port on this machine.",
  ),
  "door-elsewhere": cause(
    "Something else than the proxy answers at publicOrigin below the prefix.",
    "Lead the prefix to the proxy in the front door, unchanged: location /qlik/ { proxy_pass http://127.0.0.1:8787; }",
  ),
  "door-host": cause(
    "The front door gives the proxy another Host than that of publicOrigin.",
    "Pass on the browser's: proxy_set_header Host $http_host; or set publicOrigin to what the browser sees.",
  ),
  "door-upgrade": cause(
    "The front door does not pass WebSockets on.",
    "Pass on both headers, with HTTP/1.1: proxy_http_version 1.1; proxy_set_header Upgrade $http_upgrade; proxy_set_header Connection $connection_upgrade;",
  ),
  "door-identity": cause(
    "The front door lets anybody say who they are: the identity headers of a stranger's request reach the proxy.",
    "Set every identity header in the front door, for every request, so that the client's own are overwritten; narrow identity.trustedHeader.from to it.",
  ),
  "session-left": cause(
    "The session of this visit lives on at the tenant.",
    "It ends by the tenant's own limits; nothing needs to be done.",
  ),
  "profile-not-written": cause(
    "The profile of the tenant cannot be written.",
    "Name a file that does not exist, in a folder that this user may write to: --profile FILE.",
  ),
  unexpected: cause(
    "Something happened that doctor does not know.",
    "Report it with the line above, which holds no secret.",
  ),
};
