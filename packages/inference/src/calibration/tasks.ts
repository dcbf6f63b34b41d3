import { digestSha256, type Generation, PLAIN_SAMPLING, uintBytes, utf8 } from "@depinfer/protocol";

/** One request whose answer is scored. */
export interface Task {
  readonly generation: Generation;
  readonly maxTokens: number;
  /** 32 bytes from which the answer's randomness comes. */
  readonly seed: Uint8Array;
}

/** Temperatures of requests, greedy included. */
export const TEMPERATURES: readonly number[] = [0, 0.3, 0.7, 1, 1, 1.3];
/** What the tasks are, for the provenance of what is measured with them. */
export const TASKS_DESCRIPTION =
  "synthetic: questions, stories, instructions under a system prompt, several turns, bare completions and long pasted texts, put together from word lists";

const SUBJECTS = words(
  "a brave dragon,a small fox,the sea,an old lighthouse,a provider,a receipt,a red kite,the moon,two sisters,a lost key,a garden in spring,a validator,a quiet village,the first snow,a clever crow,a baker,a long train,a blue door,a channel,a hungry bear",
);
const NAMES = words("Anna,Ben,Clara,Dan,Emma,Finn,Grace,Hugo,Iris,Jack");
const VERBS = words("walked,looked,ran,sang,waited,smiled,listened,climbed,slept,danced");
const PLACES = words("river,hill,market,forest,bridge,school,harbour,kitchen,station,field");
const ROLES = words("a patient teacher,a brief assistant,a storyteller,a careful librarian,a cheerful guide");
const ASKS: readonly ((subject: string) => string)[] = [
  (subject) => `Tell me a short story about ${subject}.`,
  (subject) => `What is ${subject}?`,
  (subject) => `Why do people like ${subject}?`,
  (subject) => `Write a few sentences about ${subject}.`,
  (subject) => `Tell me a joke about ${subject}.`,
  (subject) => `How would you describe ${subject} to a child?`,
];

/** Requests of every length and temperature, the `index`-th of them always the same for the same `name`. */
export function taskAt(name: string, index: number, temperatures: readonly number[] = TEMPERATURES): Task {
  const draw = drawsOf(name, index);
  const pick = <Value>(values: readonly Value[]): Value => {
    const value = values[draw() % values.length];
    if (value === undefined) {
      throw new RangeError("nothing to pick from");
    }
    return value;
  };
  const sentence = () => `${pick(NAMES)} ${pick(VERBS)} by the ${pick(PLACES)} and thought of ${pick(SUBJECTS)}.`;
  const text = (sentences: number) => Array.from({ length: sentences }, sentence).join(" ");
  const user = (content: string) => ({ role: "user", content }) as const;
  const prompts: readonly (() => Generation["prompt"])[] = [
    () => ({ messages: [user(pick(ASKS)(pick(SUBJECTS)))] }),
    () => ({ messages: [user(pick(ASKS)(pick(SUBJECTS)))] }),
    () => ({
      messages: [
        { role: "system", content: `You are ${pick(ROLES)}. Answer ${pick(NAMES)}.` },
        user(pick(ASKS)(pick(SUBJECTS))),
      ],
    }),
    () => ({
      messages: [
        user(pick(ASKS)(pick(SUBJECTS))),
        { role: "assistant", content: text(1 + (draw() % 3)) },
        user(`And ${pick(SUBJECTS)}?`),
      ],
    }),
    () => ({ text: `Once upon a time ${sentence()}` }),
    () => ({ messages: [user(`${text(3 + (draw() % 15))}\n\nTell me more about ${pick(NAMES)}.`)] }),
  ];
  return {
    generation: {
      ...PLAIN_SAMPLING,
      prompt: pick(prompts)(),
      temperature: pick(temperatures),
      seed: null,
      stop: [],
      maxTokens: null,
    },
    maxTokens: pick([24, 64, 128, 192, 256]),
    seed: digestSha256(utf8(`${name}/seed/${index}`)),
  };
}

/** Numbers below 2^32 that depend on nothing but name and index. */
function drawsOf(name: string, index: number): () => number {
  const key = utf8(`${name}/task/${index}/`);
  let counter = 0;
  return () => {
    const hash = digestSha256(Uint8Array.of(...key, ...uintBytes(counter, 4)));
    counter += 1;
    return new DataView(hash.buffer, hash.byteOffset, 4).getUint32(0);
  };
}

function words(list: string): readonly string[] {
  return list.split(",");
}
