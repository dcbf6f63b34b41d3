import {
  createToolCallReader,
  decodeData,
  decodeMessage,
  decodeRequest,
  logprobsSchema,
  resumedTokens,
  signedReceiptSchema,
} from "@depinfer/protocol";
import { eventData } from "../../../packages/inference/src/upstream/event-stream.ts";
import { askedOf, type Entrance } from "../../../services/gateway/src/asked.ts";
import { messageTranslator } from "../../../services/gateway/src/messages/message-routes.ts";
import { responseTranslator } from "../../../services/gateway/src/responses/response-routes.ts";

/** Something that reads what strangers send. */
export interface Decoder {
  readonly name: string;
  /** Input that it takes, from which bad input is made. */
  readonly good: readonly Uint8Array[];
  /** Rejects bad input with a typed error. */
  decode(bytes: Uint8Array): Promise<void> | void;
}

const json = (value: unknown) => Buffer.from(JSON.stringify(value));
const tool = {
  type: "function",
  function: {
    name: "weather",
    description: "It",
    parameters: { type: "object", properties: { place: { type: "string" } } },
  },
};
const schema = { type: "object", properties: { a: { type: "integer" } }, required: ["a"], additionalProperties: false };

const CHAT = [
  json({ model: "m", messages: [{ role: "user", content: "Grüße 😀" }] }),
  json({
    model: "m",
    stream: true,
    stream_options: { include_usage: true },
    n: 2,
    top_p: 0.9,
    presence_penalty: 1,
    frequency_penalty: -1,
    logit_bias: { 5: 3, 7: -100 },
    logprobs: true,
    top_logprobs: 3,
    stop: ["a", "b"],
    seed: 4,
    max_completion_tokens: 9,
    user: "u",
    messages: [
      { role: "system", content: [{ type: "text", text: "Be kind." }] },
      {
        role: "assistant",
        content: null,
        tool_calls: [{ id: "c", type: "function", function: { name: "weather", arguments: "{}" } }],
      },
      { role: "tool", tool_call_id: "c", content: "sun" },
    ],
    tools: [tool],
    tool_choice: "auto",
    parallel_tool_calls: false,
    depinfer: { maxInputPrice: "5", regions: ["eu"], hedge: true, providers: [`0x${"ab".repeat(20)}`] },
    proof: { min: "seeded" },
  }),
  json({
    model: "m",
    messages: [{ role: "user", content: "x" }],
    response_format: { type: "json_schema", json_schema: { name: "s", schema } },
  }),
];
const receipt = {
  receipt: {
    requestId: `0x${"01".repeat(32)}`,
    requestHash: `0x${"02".repeat(32)}`,
    classId: `0x${"03".repeat(32)}`,
    promptHash: `0x${"04".repeat(32)}`,
    transcriptRoot: `0x${"05".repeat(32)}`,
    textHash: `0x${"06".repeat(32)}`,
    seedCommitment: `0x${"07".repeat(32)}`,
    channelId: `0x${"08".repeat(32)}`,
    provider: `0x${"09".repeat(20)}`,
    promptTokens: 1,
    cachedTokens: 0,
    outputTokens: 2,
    stopReason: "end",
    proofLevel: "seeded",
    cost: "5",
    startedAt: 1,
    finishedAt: 2,
  },
  signature: "0x00",
};
const terms = json({
  v: 1,
  requestId: `0x${"01".repeat(32)}`,
  endpoint: "chat",
  classId: `0x${"02".repeat(32)}`,
  channelId: `0x${"03".repeat(32)}`,
  buyerNonce: `0x${"04".repeat(32)}`,
  maxOutputTokens: 5,
  prices: { inputPerMillion: "1", cachedInputPerMillion: "1", outputPerMillion: "1" },
  audit: "validator",
  resume: {
    requestId: `0x${"05".repeat(32)}`,
    buyerNonce: `0x${"06".repeat(32)}`,
    providerNonce: `0x${"07".repeat(32)}`,
    tokens: "AQAAAA==",
  },
});
const termsLength = Buffer.alloc(4);
termsLength.writeUInt32BE(terms.length);

function body(name: string, entrance: Entrance, good: readonly Uint8Array[]): Decoder {
  return {
    name,
    good,
    async decode(bytes) {
      await askedOf(entrance, bytes, {}, { minProofLevel: "none", allowSimulatedAttestation: false });
    },
  };
}

export const DECODERS: readonly Decoder[] = [
  body("/v1/chat/completions", "chat", CHAT),
  body("/v1/completions", "completion", [
    json({ model: "m", prompt: "Once", max_tokens: 5, logprobs: 2, echo: false }),
  ]),
  body("/v1/embeddings", "embedding", [
    json({ model: "m", input: ["a", "b"], encoding_format: "base64" }),
    json({ model: "m", input: [[1, 2], [3]] }),
  ]),
  body("/v1/infer", "infer", [json({ model: "m", inputs: { x: { type: "float32", shape: [1], data: "AACAPw==" } } })]),
  body("/v1/responses", responseTranslator("app", undefined), [
    json({ model: "m", input: "hi", instructions: "Be kind.", store: false, stream: true }),
    json({
      model: "m",
      store: false,
      input: [
        { role: "user", content: [{ type: "input_text", text: "hi" }] },
        { type: "function_call", call_id: "c", name: "weather", arguments: "{}" },
        { type: "function_call_output", call_id: "c", output: "sun" },
      ],
      tools: [{ ...tool.function, type: "function" }],
      text: { format: { type: "json_schema", name: "s", schema } },
    }),
  ]),
  body("/v1/messages", messageTranslator, [
    json({ model: "m", max_tokens: 5, system: "Be kind.", messages: [{ role: "user", content: "hi" }], stream: true }),
    json({
      model: "m",
      max_tokens: 5,
      messages: [
        { role: "user", content: [{ type: "text", text: "hi" }] },
        { role: "assistant", content: [{ type: "tool_use", id: "t", name: "weather", input: {} }] },
        { role: "user", content: [{ type: "tool_result", tool_use_id: "t", content: "sun" }] },
      ],
      tools: [{ name: "weather", description: "It", input_schema: { type: "object" } }],
      stop_sequences: ["x"],
    }),
  ]),
  {
    name: "events of an upstream",
    good: [
      Buffer.from('data: {"choices":[{"delta":{"content":"é😀"}}]}\n\n: beat\r\n\r\nevent: x\ndata: [DONE]\n\n'),
      Buffer.from("data:a\rdata: b\r\ndata:  c\n\n"),
    ],
    async decode(bytes) {
      const whole = await read([bytes]);
      const cut = Math.floor(bytes.length / 2);
      const inPieces = await read([bytes.subarray(0, 1), bytes.subarray(1, cut), bytes.subarray(cut)]);
      if (whole.join("\n") !== inPieces.join("\n")) {
        throw new Error(`pieces changed the events: ${JSON.stringify([whole, inPieces])}`);
      }
    },
  },
  {
    name: "calls of tools in a text",
    good: [
      Buffer.from(
        'Well. <tool_call>{"name": "weather", "arguments": {"place": "Ürümqi"}}</tool_call> <tool_call>{"name"',
      ),
    ],
    decode(bytes) {
      const text = Buffer.from(bytes).toString();
      const told = (pieces: readonly string[]) => {
        const reader = createToolCallReader();
        const found = [...pieces.flatMap((piece) => [...reader.push(piece)]), ...reader.flush()];
        return JSON.stringify(merged(found));
      };
      const characters = [...text];
      if (told([text]) !== told(characters)) {
        throw new Error(`pieces changed the calls in ${JSON.stringify(text)}`);
      }
    },
  },
  {
    name: "REQ",
    good: [Buffer.concat([termsLength, terms, CHAT[0] ?? Buffer.alloc(0)])],
    decode(bytes) {
      resumedTokens(decodeRequest(bytes).terms);
    },
  },
  {
    name: "DATA",
    good: [Buffer.from([0, 2, 1, 0, 0, 0, 2, 0, 0, 0, 0xc3, 0xa9])],
    decode(bytes) {
      decodeData(bytes, []);
    },
  },
  {
    name: "LOGPROBS",
    good: [json([{ id: 1, text: "a", logprob: -1, top: [{ id: 2, text: "b", bytes: [98], logprob: -2 }] }])],
    decode(bytes) {
      decodeMessage(logprobsSchema, bytes, "LOGPROBS");
    },
  },
  {
    name: "RECEIPT",
    good: [json(receipt)],
    decode(bytes) {
      decodeMessage(signedReceiptSchema, bytes, "RECEIPT");
    },
  },
];

async function read(chunks: readonly Uint8Array[]): Promise<string[]> {
  async function* arriving(): AsyncGenerator<Uint8Array> {
    yield* chunks;
  }
  const events: string[] = [];
  for await (const event of eventData(arriving())) {
    events.push(event);
  }
  return events;
}

/** Pieces with neighbours of one kind joined, so that only what they say counts. */
function merged(pieces: readonly ReturnType<ReturnType<typeof createToolCallReader>["push"]>[number][]): unknown[] {
  const joined: { kind: string; text: string; rest: string }[] = [];
  for (const { kind, ...rest } of pieces) {
    const text = "text" in rest ? rest.text : "";
    const other = JSON.stringify({ ...rest, text: undefined });
    const last = joined.at(-1);
    if (last !== undefined && last.kind === kind && last.rest === other && text !== "") {
      last.text += text;
    } else {
      joined.push({ kind, text, rest: other });
    }
  }
  return joined;
}
