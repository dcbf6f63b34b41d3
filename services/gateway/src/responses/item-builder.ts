import type { Hex, PositionLogprobs } from "@depinfer/protocol";
import type { Part } from "../chat/answer-reader.ts";
import { chatLogprob } from "../chat/logprobs.ts";
import { begunItem, type EventWriter, textPart } from "./events.ts";
import { type ItemStatus, itemId, type OutputItem } from "./resource.ts";

/** Makes the items of a response from the parts of an answer, and the events that tell of them. */
export interface ItemBuilder {
  /** The events of some parts. */
  take(parts: readonly Part[], logprobs?: readonly PositionLogprobs[]): string;
  /** Ends the item that is open. @param status `incomplete` when the answer was cut there. */
  close(status: ItemStatus): string;
  readonly items: readonly OutputItem[];
}

export function createItemBuilder(events: EventWriter, requestId: () => Hex): ItemBuilder {
  const items: OutputItem[] = [];
  let open: OutputItem | null = null;
  let logprobs: object[] = [];
  let untold: object[] = [];

  const at = () => items.length;

  function begin(item: OutputItem): string {
    open = item;
    return events.event("response.output_item.added", { output_index: at(), item: begunItem(item) });
  }

  function beginMessage(): string {
    const id = itemId(requestId(), "message", at());
    const added = begin({ id, type: "message", role: "assistant", status: "in_progress", content: [textPart("", [])] });
    return (
      added +
      events.event("response.content_part.added", {
        item_id: id,
        output_index: at(),
        content_index: 0,
        part: textPart("", []),
      })
    );
  }

  function addText(text: string): string {
    const begun = open?.type === "message" ? "" : close("completed") + beginMessage();
    if (open?.type !== "message") {
      return begun;
    }
    const told = untold;
    untold = [];
    logprobs.push(...told);
    open = { ...open, content: [textPart((open.content[0]?.text ?? "") + text, logprobs)] };
    const place = { item_id: open.id, output_index: at(), content_index: 0 };
    return begun + events.event("response.output_text.delta", { ...place, delta: text, logprobs: told });
  }

  function addArguments(text: string): string {
    if (open?.type !== "function_call") {
      return "";
    }
    open = { ...open, arguments: open.arguments + text };
    return events.event("response.function_call_arguments.delta", {
      item_id: open.id,
      output_index: at(),
      delta: text,
    });
  }

  function close(status: ItemStatus): string {
    if (open === null) {
      return "";
    }
    const item: OutputItem = { ...open, status };
    const place = { item_id: item.id, output_index: at() };
    let told: string;
    if (item.type === "message") {
      const part = textPart(item.content[0]?.text ?? "", logprobs);
      told =
        events.event("response.output_text.done", { ...place, content_index: 0, text: part.text, logprobs }) +
        events.event("response.content_part.done", { ...place, content_index: 0, part });
    } else {
      const { name, arguments: text } = item;
      told = events.event("response.function_call_arguments.done", { ...place, name, arguments: text });
    }
    told += events.event("response.output_item.done", { output_index: at(), item });
    items.push(item);
    open = null;
    logprobs = [];
    return told;
  }

  function takeOne(part: Part): string {
    switch (part.kind) {
      case "text":
        // White space between calls would make a message of its own.
        return open?.type !== "message" && part.text.trim() === "" && items.length > 0 ? "" : addText(part.text);
      case "callStart":
        return (
          close("completed") +
          begin({
            id: itemId(requestId(), "function_call", at()),
            type: "function_call",
            status: "in_progress",
            call_id: part.id,
            name: part.name,
            arguments: "",
          })
        );
      case "arguments":
        return addArguments(part.text);
      case "callEnd":
        return close("completed");
    }
  }

  return {
    take(parts, positions = []) {
      untold.push(...positions.map(chatLogprob));
      return parts.map(takeOne).join("");
    },
    close,
    items,
  };
}
