/** What `doctor --learn` wrote of the local tenant, with limits of its own. */
export const sampleProfile = `version: 1
madeAt: 2026-11-29T15:00:00.000Z
tokens:
  wrongSignature: { status: 401, code: INTERNAL-TOKEN-1 }
  unknownIssuer: { status: 401, code: INTERNAL-TOKEN-1 }
  expired: { status: 401, code: INTERNAL-TOKEN-1 }
  repeated: { status: 401, code: INTERNAL-TOKEN-1 }
  withoutSubType: { status: 401, code: INTERNAL-TOKEN-1 }
  withoutEmail: { status: 401, code: INTERNAL-TOKEN-1 }
cookies:
  atLogin:
    - { name: eas.sid, length: 32, path: /, secure: true, httpOnly: true, sameSite: None, lasting: false }
  onEveryAnswer: [AWSALB, AWSALBCORS]
  sessionIdRotates: false
limits: { idleMinutes: 15, lifetimeMinutes: 120 }
csrf:
  tokenLength: 36
  worksWithoutCsrfCookie: true
  refusal: { status: 403, code: CSRF-TOKEN-2 }
  codeAtTopLevel: true
rest:
  withoutSession: { status: 401, code: HTTP-401 }
  pageWithoutSession: 302
  foreignOrigin: { status: 403, code: "" }
  boot: 404
  licence: { status: 200, code: "" }
  productInfo: 200
  linksWithPort: true
  takesOverGroups: null
sockets:
  tokenInHeader: { status: 101, closeCode: null }
  withoutToken: { status: 403, closeCode: null }
  withoutSession: { status: 401, closeCode: null }
  foreignOrigin: { status: 403, closeCode: null }
  cookiesWithUpgrade: [AWSALB, AWSALBCORS]
  closeCodeAfterLogout: null
  watchedSeconds: 70
  idleCutAfterSeconds: null
  pingEverySeconds: 30
logout: { status: 302, endsSession: true }
`;
