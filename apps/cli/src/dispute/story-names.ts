/** Stories that can be rehearsed. */
export const STORIES = ["cheat", "accusation", "lazy"] as const;
export type Story = (typeof STORIES)[number];
