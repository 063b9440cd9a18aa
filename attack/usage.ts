import { claims } from "./target.ts";

/** What `--help` prints. */
export const usage: string = `Usage: npm run attack -- [what] [options]

Attacks a proxy that adds credentials, and says of each attack: held, fell (with what was seen), not applicable (with the
reason). Exit status: 0 nothing fell, 1 something fell, 2 wrong usage or the proxy does not work for its own users.

What (our own built proxy, if nothing is said):
  --target URL            a proxy that is running, with the prefix below which it is mounted
  --proxy NAME            a public proxy, in the set-up of attack/peers/
  --holes                 our own proxy with holes planted, each of which must be found
  --table                 our own and all public ones; writes the tables of docs/reference/attack-suite.md
  --list                  names the attacks

  --only ID,...           ids, lines (H3) or groups (H); with --holes, names of holes
  --json                  the results as JSON
  --built                 takes our own proxy as it was built last, however old that is

A running proxy is described by:
  --upstream HOST:PORT    where the suite listens; the proxy is configured to forward there
  --user 'Name: value'    header of the requests of one user; may be given several times
  --other-user '...'      the same of another user
  --credential NAME       the header in which the proxy adds a credential; cookie by default
  --read-path P           is offered for GET, with everything below it; / by default. Paths are the upstream's
  --write-path P          is offered for GET, HEAD, POST, DELETE and OPTIONS; the read path by default
  --denied-path P         is not offered; may be given several times
  --reserved-path P       only the proxy itself goes there; may be given several times
  --page-path P           is an HTML page
  --socket-path P         takes WebSockets, with everything below it
  --login-path P          where the proxy logs in at the upstream, by a bearer token with the claim "sub"
  --login-cookies A,B     the cookies that it gets there; session by default
  --token-path P          where the proxy fetches a token, and
  --token-header NAME     the header in which it comes
  --owned NAME            a header and parameter that the proxy adds; may be given several times
  --logout-path P         below the prefix: ends the user's session
  --return-path P         below the prefix: leads on to the address that is appended, /login?returnto=
  --origin O              of the page that uses the proxy; the target's own by default
  --host H                the Host that browsers send; that of the origin by default
  --sibling O, --foreign O  origins of the same site and of another one, on no list
  --untrusted-address A   an address of this machine whose word about users does not count
  --patience SECONDS      how long slow requests may last; 30 by default
  --claims A,B            what the proxy says of itself, or all; attacks on the rest are not applicable. "users" where
                          there are two, nothing else by default:
${Object.entries(claims)
  .map(([name, what]) => `    ${name.padEnd(16)} ${what}`)
  .join("\n")}`;
