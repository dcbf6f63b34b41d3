import { DepinferError } from "@depinfer/protocol";
import { useCallback, useEffect, useRef, useState } from "react";
import { useConnection } from "../../api/connection.tsx";
import { type AnswerHead, ask, type Progress } from "./ask.ts";
import { type Answer, keepTurns, messagesOf, restoreTurns, type Turn } from "./conversation.ts";
import { bodyOf, type Settings } from "./settings.ts";

export interface Chat {
  readonly turns: readonly Turn[];
  readonly busy: boolean;
  send(text: string, settings: Settings): void;
  /** Gives the results of the last answer's tool calls, in their order. */
  sendResults(results: readonly { readonly id: string; readonly content: string }[], settings: Settings): void;
  /** Asks again for the answer with this key; what came after it is dropped. */
  regenerate(key: string, settings: Settings): void;
  /** Asks something else instead of the message with this key; what came after it is dropped. */
  edit(key: string, text: string, settings: Settings): void;
  stop(): void;
  clear(): void;
}

const NEW_ANSWER: Answer = {
  receiptId: null,
  provider: null,
  proofLevel: null,
  model: "",
  state: "streaming",
  finish: null,
  promptTokens: null,
  outputTokens: null,
  firstTokenMs: null,
  milliseconds: null,
  fault: null,
};

function turn(role: Turn["role"], content: string, more: Partial<Turn> = {}): Turn {
  return { key: crypto.randomUUID(), role, content, toolCalls: [], toolCallId: null, answer: null, ...more };
}

/** A conversation with the gateway. Pieces of an answer are shown once a frame, however fast they come. */
export function useChat(): Chat {
  const { server } = useConnection();
  const [turns, setTurns] = useState<readonly Turn[]>(restoreTurns);
  const running = useRef<AbortController | null>(null);
  const busy = turns.some(({ answer }) => answer?.state === "streaming");

  const latest = useRef(turns);
  latest.current = turns;

  useEffect(() => {
    if (!busy) {
      keepTurns(turns);
    }
  }, [turns, busy]);
  // Whoever leaves in the middle of an answer finds what was asked and what came.
  useEffect(() => {
    const keep = () => keepTurns(latest.current);
    addEventListener("pagehide", keep);
    return () => {
      removeEventListener("pagehide", keep);
      keep();
      running.current?.abort();
    };
  }, []);

  const run = useCallback(
    async (before: readonly Turn[], settings: Settings) => {
      running.current?.abort();
      const controller = new AbortController();
      running.current = controller;
      const answering = turn("assistant", "", { answer: { ...NEW_ANSWER, model: settings.model } });
      setTurns([...before, answering]);
      const change = (part: Partial<Turn>, answer: Partial<Answer> = {}) =>
        setTurns((now) =>
          now.map((one) =>
            one.key === answering.key ? { ...one, ...part, answer: { ...(one.answer ?? NEW_ANSWER), ...answer } } : one,
          ),
        );
      const frames = createFrames(({ text, toolCalls }) => change({ content: text, toolCalls: [...toolCalls] }));
      try {
        const end = await ask(server("gateway"), bodyOf(settings, messagesOf(before)), {
          signal: controller.signal,
          onHead: (head: AnswerHead) => change({}, head),
          onProgress: frames.show,
        });
        frames.end();
        const { text, toolCalls, ...rest } = end;
        change({ content: text, toolCalls: [...toolCalls] }, { ...rest, state: "done" });
      } catch (error) {
        frames.flush();
        if (controller.signal.aborted) {
          change({}, { state: "stopped" });
          return;
        }
        const ours = error instanceof DepinferError ? error : null;
        change(
          {},
          {
            state: "failed",
            fault: {
              code: ours?.code ?? "page.failed",
              message: ours?.message ?? String(error),
              remedy: ours?.remedy ?? "Ask again",
            },
          },
        );
      }
    },
    [server],
  );

  return {
    turns,
    busy,
    send(text, settings) {
      void run([...turns, turn("user", text)], settings);
    },
    sendResults(results, settings) {
      void run([...turns, ...results.map(({ id, content }) => turn("tool", content, { toolCallId: id }))], settings);
    },
    regenerate(key, settings) {
      const index = turns.findIndex((one) => one.key === key);
      if (index > 0) {
        void run(turns.slice(0, index), settings);
      }
    },
    edit(key, text, settings) {
      const index = turns.findIndex((one) => one.key === key);
      if (index >= 0) {
        void run([...turns.slice(0, index), turn("user", text)], settings);
      }
    },
    stop: () => running.current?.abort(),
    clear() {
      running.current?.abort();
      setTurns([]);
    },
  };
}

/** Shows the newest progress once a frame. */
function createFrames(show: (progress: Progress) => void) {
  let latest: Progress | null = null;
  let frame = 0;
  const flush = () => {
    cancelAnimationFrame(frame);
    frame = 0;
    if (latest !== null) {
      show(latest);
      latest = null;
    }
  };
  return {
    show(progress: Progress) {
      latest = progress;
      if (frame === 0) {
        frame = requestAnimationFrame(flush);
      }
    },
    flush,
    end() {
      cancelAnimationFrame(frame);
      latest = null;
    },
  };
}
