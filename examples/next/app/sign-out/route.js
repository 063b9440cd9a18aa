import { cookies } from "next/headers";
import { openSession } from "../../session.js";

export async function POST(request) {
  // First the session at Qlik, with its open sockets, while the portal still knows whose it is; then the portal's own.
  await globalThis.qlik.logout(request);
  (await openSession(await cookies())).destroy();
  return new Response(null, { status: 303, headers: { location: "/" } });
}
