import type { Hex } from "@depinfer/protocol";
import type { Policy, Rejection } from "./route.ts";

/** Why a provider was asked. */
export type AttemptKind = "first" | "retry" | "hedge" | "continuation";

/** One provider that was asked, and why nobody else was. */
export interface RoutingAttempt {
  readonly kind: AttemptKind;
  readonly provider: Hex;
  readonly peerId: string;
  /** Milliseconds since 1970. */
  readonly at: number;
  /** Null as long as it is under way. */
  readonly requestId: Hex | null;
  /** `answered`, or what went wrong; null as long as it is under way. */
  readonly outcome: string | null;
  readonly rejected: readonly Rejection[];
}

/** Why an answer came from where it came from. */
export interface Story {
  readonly policy: Policy;
  readonly attempts: readonly RoutingAttempt[];
}

export interface StoryBook {
  begin(policy: Policy): StoryInProgress;
  /** By the id of any request in it, or how that id begins. */
  find(requestId: string): Story | undefined;
}

export interface StoryInProgress {
  readonly length: number;
  /** An attempt begins; call what comes back as soon as more is known of it. */
  attempt(
    attempt: Pick<RoutingAttempt, "kind" | "provider" | "peerId" | "rejected">,
  ): (known: Partial<Pick<RoutingAttempt, "requestId" | "outcome">>) => void;
}

/** @param keep the newest requests of which stories are kept. */
export function createStoryBook(keep: number): StoryBook {
  const byRequest = new Map<Hex, Story>();

  return {
    find(requestId) {
      const id = [...byRequest.keys()].find((known) => known.startsWith(requestId));
      return id === undefined ? undefined : byRequest.get(id);
    },
    begin(policy) {
      const attempts: RoutingAttempt[] = [];
      const story: Story = { policy, attempts };
      return {
        get length() {
          return attempts.length;
        },
        attempt(attempt) {
          const index = attempts.push({ ...attempt, at: Date.now(), requestId: null, outcome: null }) - 1;
          return (known) => {
            const before = attempts[index];
            if (before !== undefined) {
              attempts[index] = { ...before, ...known };
            }
            if (known.requestId !== undefined && known.requestId !== null) {
              byRequest.set(known.requestId, story);
              forgetOldest(byRequest, keep);
            }
          };
        },
      };
    },
  };
}

function forgetOldest(stories: Map<Hex, Story>, keep: number): void {
  for (const id of stories.keys()) {
    if (stories.size <= keep) {
      return;
    }
    stories.delete(id);
  }
}
