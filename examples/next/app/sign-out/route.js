import { cookies } from "next/headers";
import { openSession } from "../../session.js";

export async function POST(request) {
  // First the session at Qlik, with its open sockets, while the portal still knows whose it is; then the portal's own, whether
  // that went well or not: an error that is thrown would take the end of the cookie with it.
  await globalThis.qlik.logout(request).catch(console.error);
  (await openSession(await cookies())).destroy();
  return new Response(null, { status: 303, headers: { location: "/" } });
}
