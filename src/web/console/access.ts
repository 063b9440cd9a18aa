/** Where the token is kept: this tab alone, and no longer than it. */
const place = "qsp-admin-token";

/** The listener does not take the token. */
export class WrongToken extends Error {}

/** The listener answered with an error; the message is its own. */
class Refused extends Error {}

/** The token that was given in this tab. */
export const knownToken = (): string | null => sessionStorage.getItem(place);

export const keepToken = (token: string): void => sessionStorage.setItem(place, token);

export const forgetToken = (): void => sessionStorage.removeItem(place);

/** Asks the listener for something. Rejects with {@link WrongToken}, with what the listener says is wrong, or as `fetch` does. */
export async function ask(path: string, method: "GET" | "DELETE" = "GET"): Promise<Response> {
  const answer = await fetch(path, {
    method,
    headers: { Authorization: `Bearer ${knownToken() ?? ""}` },
    cache: "no-store",
    credentials: "omit",
    signal: AbortSignal.timeout(15_000),
  });
  if (answer.ok) return answer;
  const detail = await detailOf(answer);
  if (answer.status !== 401) throw new Refused(detail);
  throw new WrongToken(detail);
}

async function detailOf(answer: Response): Promise<string> {
  try {
    const { errors } = (await answer.json()) as {
      readonly errors: readonly { readonly title: string; readonly detail?: string }[];
    };
    return errors[0]?.detail ?? errors[0]?.title ?? `status ${answer.status}`;
  } catch {
    return `status ${answer.status}`;
  }
}
