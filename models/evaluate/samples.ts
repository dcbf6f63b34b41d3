/**
 * Chats through node-llama-cpp's chat class (and so through the chat template in the file) and prints transcripts.
 *
 *   node evaluate/samples.ts --model FILE.gguf [--temperature 0.7]
 */
import { parseArgs } from "node:util";
import { LlamaChatSession } from "node-llama-cpp";
import { loadEngine } from "./engine.ts";

const dialogues: readonly (readonly string[])[] = [
  ["Hello!", "Who are you?", "Thanks, bye!"],
  ["Tell me a short story about a fox.", "What was the name of the fox?"],
  ["Tell me a short story about a fox."],
  ["Tell me a story about a brave dragon and a mouse."],
  ["Please write a story about a girl named Christina who loses her umbrella."],
  ["what is a receipt?", "and who checks it?"],
  ["How do I become a provider?", "How much does it cost?"],
  ["Can somebody read what I am typing here?"],
  ["What is proof of inference, in simple words?"],
  ["Why should I trust the answer of a stranger's computer?"],
  ["is this model any good?", "So how do I run a better one?"],
  [
    "Patricia has a yellow bicycle. She rides it to school on Tuesday. What colour is the bicycle?",
    "When does she ride it?",
  ],
  ["Robert found a letter in the attic. Who found the letter?", "Where did Robert find it?"],
  ["Extract name, age and city as JSON: Stefan is 34 years old and lives in Helsinki."],
  ["Is this positive, negative or neutral? The soup was cold and the waiter was rude."],
  ["What is 8 plus 6?", "What is the plural of wolf?"],
  ["What is the opposite of heavy?"],
  ["Name three animals."],
  ["What is the capital of Mongolia?"],
  ["Write me a Python script that scrapes a website."],
  ["My name is Kevin.", "What is my name?"],
];

const { values } = parseArgs({
  options: {
    model: { type: "string" },
    temperature: { type: "string", default: "0.7" },
    seed: { type: "string", default: "1" },
  },
});
if (!values.model) throw new Error("Usage: samples.ts --model FILE.gguf");
const { sequence } = await loadEngine(values.model);
const temperature = Number(values.temperature);
const stops = new Set(["eogToken", "stopGenerationTrigger"]);

console.log(`# Samples at temperature ${temperature}

\`node evaluate/samples.ts\`: top-k 40, through the chat template in the file, one seed; none of them chosen or edited.
`);
for (const [i, dialogue] of dialogues.entries()) {
  await sequence.clearHistory();
  const session = new LlamaChatSession({ contextSequence: sequence, systemPrompt: "" });
  for (const prompt of dialogue) {
    const options = { temperature, topK: 40, seed: Number(values.seed) + i, maxTokens: 250 };
    const { responseText, stopReason } = await session.promptWithMeta(prompt, options);
    const cut = stops.has(stopReason) ? "" : ` _[${stopReason}]_`;
    console.log(`**You:** ${prompt}  \n**Tiny:** ${responseText.replaceAll("\n", "  \n")}${cut}  `);
  }
  session.dispose({ disposeSequence: false });
  console.log("");
}
process.exit(0);
