import { CALL_CLOSE, CALL_OPEN, type Constraint, type Tool } from "@depinfer/protocol";
import { choice, type Grammar, type GrammarState, repeat, sequence, startOf, stepGrammar, text } from "./grammar.ts";
import { anyObject, schemaGrammar, space } from "./json-grammar.ts";

/** Where a constrained answer stands: in free text, with so much of the opening of a call, or in the grammar. */
export type ConstraintState = { readonly free: number } | GrammarState;

/** Tells which text may come next. States are values: the same state can be tried with many texts. */
export interface ConstraintMachine {
  readonly start: ConstraintState;
  /** The state after more text, or undefined where it may not come. Text that is empty may never come. */
  next(state: ConstraintState, more: string): ConstraintState | undefined;
  /** Whether the answer may end here. */
  ends(state: ConstraintState): boolean;
  /** Whether any text may come. */
  isFree(state: ConstraintState): boolean;
}

export function createConstraintMachine(constraint: Constraint): ConstraintMachine {
  const grammar = grammarOf(constraint);
  const inCall = constraint.kind === "tools" ? startOf(afterOpening(constraint)) : null;

  function step(state: ConstraintState, codePoint: number): ConstraintState | undefined {
    if ("free" in state) {
      const matched = nextMatched(state.free, codePoint);
      return matched === CALL_OPEN.length && inCall !== null ? inCall : { free: matched };
    }
    const after = stepGrammar(state, codePoint);
    return after.ends || after.places.length > 0 ? after : undefined;
  }

  return {
    start: grammar === null ? { free: 0 } : startOf(grammar),
    next(from, more) {
      let state: ConstraintState | undefined = more === "" && !("free" in from) ? undefined : from;
      for (const character of more) {
        state = state === undefined ? undefined : step(state, character.codePointAt(0) ?? 0);
      }
      return state;
    },
    ends: (state) => "free" in state || state.ends,
    isFree: (state) => "free" in state,
  };
}

/** Null where the answer begins as free text. */
function grammarOf(constraint: Constraint): Grammar | null {
  switch (constraint.kind) {
    case "json":
      return anyObject;
    case "schema":
      return schemaGrammar(constraint.schema);
    case "tools": {
      const calls = sequence(text(CALL_OPEN), afterOpening(constraint));
      if (constraint.mode === "required") {
        return calls;
      }
      const otherwise = constraint.otherwise === null ? null : grammarOf(constraint.otherwise);
      return otherwise === null ? null : choice(calls, otherwise);
    }
  }
}

const MOST_CALLS = 64;

/** What has to follow the opening of the first call. */
function afterOpening({ tools, parallel }: Extract<Constraint, { kind: "tools" }>): Grammar {
  const call = sequence(space, choice(...tools.map(callOf)), space, text(CALL_CLOSE));
  const another = sequence(choice(text(""), text("\n")), text(CALL_OPEN), call);
  return parallel ? sequence(call, repeat(another, 0, MOST_CALLS - 1)) : call;
}

function callOf({ name, parameters, loose }: Tool): Grammar {
  const values = loose === true ? anyObject : argumentsOf(parameters);
  return sequence(
    text("{"),
    space,
    text('"name":'),
    space,
    text(`${JSON.stringify(name)},`),
    space,
    text('"arguments":'),
    space,
    values,
    space,
    text("}"),
  );
}

/** Arguments are an object, whether their schema says so or not. */
function argumentsOf(parameters: Tool["parameters"]): Grammar {
  return parameters === true ? anyObject : schemaGrammar({ ...parameters, type: "object" });
}

/** How much of the opening the text ends with. Its first character stands in it only once, so nothing else can begin. */
function nextMatched(matched: number, codePoint: number): number {
  if (codePoint === CALL_OPEN.codePointAt(matched)) {
    return matched + 1;
  }
  return codePoint === CALL_OPEN.codePointAt(0) ? 1 : 0;
}
