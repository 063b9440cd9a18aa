import { existsSync, writeFileSync } from "node:fs";
import { parseDuration } from "../../../options/duration.ts";
import { formatTenantProfile } from "../../../server/tenant-profile.ts";
import type { FlagValues } from "../../parse-arguments.ts";
import { UsageError } from "../../verb.ts";
import { failed, passed, type Step } from "../step.ts";
import { learnTenant, type LearnTimes } from "./learn.ts";

/** What is to be learned, and where it is written. */
interface Lesson extends LearnTimes {
  readonly file: string;
}

/** How long a socket is watched: a little longer than load balancers are known to wait. facts §5.6. Milliseconds. */
const defaultWatch = 70_000;

/** How long is waited for what may never come. Milliseconds. */
const patience = 3000;

/** What the flags ask for; null where nothing is to be learned. @throws UsageError */
export function toLesson({ learn, profile, watch }: FlagValues): Lesson | null {
  const file = typeof profile === "string" ? profile : "tenant-profile.yaml";
  const wait = typeof watch === "string" ? parseDuration(watch) : defaultWatch;
  if (wait === null) throw new UsageError("--watch must be a duration such as 70s");
  if (learn !== true && (profile !== undefined || watch !== undefined))
    throw new UsageError("--profile and --watch belong to --learn");
  if (learn !== true) return null;
  if (existsSync(file)) throw new UsageError(`${file} exists already; name another one with --profile`);
  return { file, watch: wait, patience };
}

/** Learns once everything else is well. */
export const learnStep = (lesson: Lesson): Step => ({
  name: "learn",
  needs: ["sign-out", "engine", "write"],
  async run(visit) {
    const text = formatTenantProfile(await learnTenant(visit, lesson));
    visit.interruption.signal.throwIfAborted();
    try {
      // Not over a file that has come into being meanwhile.
      writeFileSync(lesson.file, text, { flag: "wx" });
    } catch (error) {
      return failed("profile-not-written", `${lesson.file}: ${(error as NodeJS.ErrnoException).code}`);
    }
    return passed(`${lesson.file} was written; tenant.profileFile names it`);
  },
});
