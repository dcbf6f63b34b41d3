import { DepinferError, type FrameType, type Hex } from "@depinfer/protocol";
import type { Life, World } from "./world.ts";

/** What a buyer asks for, as far as money goes. */
export interface WireRequest {
  readonly requestId: Hex;
  readonly channelId: Hex;
  /** Units that it will cost, and the most that was set aside for it. */
  readonly cost: bigint;
  readonly most: bigint;
  readonly end: "answer" | "fail" | "cancel";
}

export type WireReply =
  | { readonly kind: "receipt"; readonly requestId: Hex; readonly cost: bigint }
  | { readonly kind: "error"; readonly requestId: Hex; readonly code: string };

/** One link between buyer and provider; frames of a direction arrive in order, or not at all once it is cut. */
export interface Wire {
  readonly closed: boolean;
  readonly peerId: string;
  sendControl(type: FrameType, payload: Uint8Array): boolean;
  onControl(handler: (type: FrameType, payload: Uint8Array) => void): () => void;
  request(request: WireRequest): Promise<WireReply>;
  onRequest(handler: (request: WireRequest) => void): void;
  reply(reply: WireReply): void;
  close(): void;
}

export function createWire(world: World): Wire {
  const network: Life = { name: "buyer", alive: true, left: -1, powerLoss: false };
  const waiting = new Map<Hex, { resolve: (reply: WireReply) => void; reject: (error: Error) => void }>();
  const queues = { up: [] as (() => void)[], down: [] as (() => void)[] };
  let onControl: (type: FrameType, payload: Uint8Array) => void = () => undefined;
  let onRequest: (request: WireRequest) => void = () => undefined;
  let closed = false;

  function carry(direction: "up" | "down", deliver: () => void): void {
    if (closed) {
      return;
    }
    queues[direction].push(deliver);
    world
      .gate(network, () => {
        const next = queues[direction].shift();
        if (!closed) {
          next?.();
        }
      })
      .catch(() => undefined);
  }

  return {
    get closed() {
      return closed;
    },
    peerId: "peer",
    sendControl(type, payload) {
      carry("up", () => onControl(type, payload));
      return true;
    },
    onControl(handler) {
      onControl = handler;
      return () => undefined;
    },
    request: (request) =>
      new Promise((resolve, reject) => {
        if (closed) {
          reject(linkClosed());
          return;
        }
        waiting.set(request.requestId, { resolve, reject });
        carry("up", () => onRequest(request));
      }),
    onRequest(handler) {
      onRequest = handler;
    },
    reply(reply) {
      carry("down", () => {
        waiting.get(reply.requestId)?.resolve(reply);
        waiting.delete(reply.requestId);
      });
    },
    close() {
      closed = true;
      for (const { reject } of waiting.values()) {
        reject(linkClosed());
      }
      waiting.clear();
    },
  };
}

function linkClosed(): DepinferError {
  return new DepinferError({
    code: "network.linkClosed",
    message: "The link of this history was cut",
    remedy: "Ask again",
    retryable: true,
  });
}
