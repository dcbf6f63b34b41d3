import { type RefObject, useEffect, useRef } from "react";

/** How far the end may be below the window for a reader to count as being at it, in pixels. */
const NEAR_PX = 160;

/**
 * Keeps the end of a conversation in sight: when a turn is added, and while one grows as long as the reader has not
 * scrolled away from it.
 *
 * @returns for an element at the end.
 */
export function useFollow(turns: readonly unknown[]): RefObject<HTMLDivElement | null> {
  const end = useRef<HTMLDivElement>(null);
  const following = useRef(true);
  const shown = useRef({ turns, length: turns.length });

  useEffect(() => {
    const look = () => {
      const place = end.current?.getBoundingClientRect();
      following.current = place !== undefined && place.top - innerHeight < NEAR_PX;
    };
    addEventListener("scroll", look, { passive: true });
    return () => removeEventListener("scroll", look);
  }, []);

  useEffect(() => {
    const before = shown.current;
    shown.current = { turns, length: turns.length };
    // What was restored with the page is left where it is.
    if (turns.length > before.length || (following.current && turns !== before.turns && turns.length > 0)) {
      end.current?.scrollIntoView({ block: "nearest" });
    }
  }, [turns]);

  return end;
}
