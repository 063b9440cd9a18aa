import { randomUUID } from "node:crypto";
import { cookies } from "next/headers";
import { people } from "../../../sample/portal.js";
import { openSession } from "../../session.js";

export async function POST(request) {
  const person = (await request.formData()).get("person");
  if (!Object.hasOwn(people, person)) return new Response(null, { status: 400 });
  const host = await openSession(await cookies());
  Object.assign(host, { person, id: randomUUID() });
  await host.save();
  return new Response(null, { status: 303, headers: { location: "/" } });
}
