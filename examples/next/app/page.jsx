import { cookies } from "next/headers";
import { content, loadEmbed, people } from "../../sample/portal.js";
import { openSession } from "../session.js";

export default async function Page() {
  const { person } = await openSession(await cookies());
  if (!person)
    return (
      <form method="post" action="/sign-in">
        <h1>Who are you?</h1>
        {Object.entries(people).map(([key, { name }]) => (
          <button key={key} name="person" value={key}>
            {name}
          </button>
        ))}
      </form>
    );
  return (
    <form method="post" action="/sign-out">
      <h1>Hello, {people[person].name}</h1>
      <div id="chart" style={{ height: "24rem" }}>
        <qlik-embed ui="analytics/chart" app-id={content.appId} object-id={content.objectId} />
      </div>
      <button>Sign out</button>
      <script dangerouslySetInnerHTML={{ __html: loadEmbed }} />
    </form>
  );
}
