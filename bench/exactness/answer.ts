import { z } from "zod";

/** One answer of a task, as it travels between the processes. */
export const answerSchema = z.object({ task: z.int(), prompt: z.array(z.int()), tokens: z.array(z.int()) });
export type Answer = z.output<typeof answerSchema>;
