import type { ComponentType } from "react";
import { AuditTopic } from "./audit-topic.tsx";
import { ConcentrationTopic } from "./concentration-topic.tsx";
import { LimitsTopic } from "./limits-topic.tsx";
import { MoneyTopic } from "./money-topic.tsx";
import { ProofTopic } from "./proof-topic.tsx";
import { RequestTopic } from "./request-topic.tsx";

export interface Topic {
  readonly slug: string;
  readonly title: string;
  /** One sentence. */
  readonly summary: string;
  readonly Content: ComponentType;
}

/** In the order in which they build on each other. */
export const TOPICS: readonly Topic[] = [
  {
    slug: "request",
    title: "The way of a request",
    summary: "From your app to a model and back, and who can read it on the way.",
    Content: RequestTopic,
  },
  {
    slug: "proof",
    title: "Proof of inference",
    summary: "Why anyone with the weights can draw your answer's tokens again.",
    Content: ProofTopic,
  },
  {
    slug: "audits",
    title: "How cheats are caught",
    summary: "Few answers are checked; a cheat is caught all the same, and pays.",
    Content: AuditTopic,
  },
  {
    slug: "money",
    title: "Paying per token",
    summary: "A deposit, signatures that grow, and one transaction for thousands of answers.",
    Content: MoneyTopic,
  },
  {
    slug: "concentration",
    title: "Who gets the work",
    summary: "How concentration is measured, and why stake and many names buy nothing.",
    Content: ConcentrationTopic,
  },
  {
    slug: "limits",
    title: "Where it does not work",
    summary: "What is not proven, not hidden and not promised.",
    Content: LimitsTopic,
  },
];
