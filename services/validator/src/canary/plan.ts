import { type AuditFlag, utf8 } from "@depinfer/protocol";
import { type Habit, isInstruction, type Mix, type Template, textsOf, withTexts } from "./mix.ts";
import { wordsOf } from "./words.ts";

/** One canary, ready to be asked. */
export interface PlannedRequest {
  /** Milliseconds after the request before it; 0 for the first. */
  readonly afterMs: number;
  readonly endpoint: "chat" | "completion";
  readonly body: Uint8Array;
  readonly audit: AuditFlag;
}

export interface PlanModules {
  /** Uniform in [0, 1). */
  readonly random: () => number;
  /** Whether a text was asked before; it is remembered as asked. */
  readonly isFresh: (text: string) => boolean;
}

/** Lengths and gaps of the original vary by up to this share, so that no two canaries repeat a stranger's exactly. */
const JITTER = 0.15;
const TRIES = 20;

/** Plans one identity after another. */
export interface Planner {
  /**
   * The requests of the next identity: it takes on the habit of one buyer that was seen, with its gaps, its flags and
   * its settings, in texts of about the same lengths that nobody asked before. No habit is taken on twice before every
   * other was: two identities with one habit would be found by their likeness.
   */
  session(): PlannedRequest[];
  /** Milliseconds from `now` until the next identity begins, with `perHour` requests on average over the day. */
  untilNext(now: number, perHour: number): number;
}

export function createPlanner(mix: Mix, modules: PlanModules): Planner {
  const { random } = modules;
  let unused: Habit[] = [];
  return {
    session() {
      if (unused.length === 0) {
        unused = [...mix.habits];
      }
      const [habit] = unused.splice(Math.floor(random() * unused.length), 1);
      return habit === undefined ? [] : requestsOf(habit, mix, modules);
    },
    untilNext: (now, perHour) => untilNextSession(mix, now, perHour, random),
  };
}

function requestsOf(habit: Habit, mix: Mix, modules: PlanModules): PlannedRequest[] {
  const { random } = modules;
  const templates = habit.templates.length > 0 ? habit.templates : pick(mix.donors, random);
  // A buyer's instructions to the model stay the same from request to request.
  const kept = new Map<string, string>();
  return habit.flags.map((audit, index) => {
    const template = pick(templates, random);
    const gap = index === 0 ? 0 : pick(habit.gapsMs, random);
    const filled = fill(template, mix, kept, modules);
    return {
      afterMs: Math.round(vary(gap, random)),
      endpoint: template.endpoint,
      body: utf8(JSON.stringify(filled)),
      audit,
    };
  });
}

/** A Poisson process whose rate follows the hours at which buyers begin, by thinning (Lewis and Shedler 1979). */
function untilNextSession(mix: Mix, now: number, perHour: number, random: () => number): number {
  const requests = mix.habits.reduce((sum, { flags }) => sum + flags.length, 0) / mix.habits.length;
  const rateAt = (ms: number) => (perHour / requests) * 24 * (mix.hours[Math.floor(ms / HOUR_MS) % 24] ?? 0);
  const most = (perHour / requests) * 24 * Math.max(...mix.hours);
  let ahead = 0;
  for (let i = 0; i < MOST_STEPS; i++) {
    ahead += (-Math.log(1 - random()) / most) * HOUR_MS;
    if (random() * most < rateAt(now + ahead)) {
      return ahead;
    }
  }
  return ahead;
}

const HOUR_MS = 3_600_000;
const MOST_STEPS = 10_000;

function fill(
  template: Template,
  { words, instructions }: Mix,
  kept: Map<string, string>,
  { random, isFresh }: PlanModules,
): Readonly<Record<string, unknown>> {
  for (let tries = 0; tries < TRIES; tries++) {
    // Of very short texts there are few; where they are used up, they grow by a word at a time.
    const more = Math.floor(tries / 4);
    const lengthOf = (text: string) => vary(wordsOf(text).length, random) + more;
    const body = withTexts(template.body, ({ role, text }) => {
      if (!isInstruction(role)) {
        return words.write(lengthOf(text), random);
      }
      const known = kept.get(text) ?? instructions.write(lengthOf(text), random);
      kept.set(text, known);
      return known;
    });
    const asked = textsOf({ ...template, body }).map(({ text }) => text);
    if (isFresh(asked.join("\n"))) {
      return body;
    }
  }
  throw new RangeError(`no fresh text after ${TRIES} tries, which the model of words makes next to impossible`);
}

function pick<Value>(values: readonly Value[], random: () => number): Value {
  const value = values[Math.floor(random() * values.length)];
  if (value === undefined) {
    throw new RangeError("nothing to choose from");
  }
  return value;
}

function vary(value: number, random: () => number): number {
  return value * (1 + JITTER * (2 * random() - 1));
}
