import { type ComponentType, lazy } from "react";
import type { IconName } from "../ui/icon.tsx";

/** A page: its place, its name in the navigation, and its code, which is loaded when it is first opened. */
export interface PageEntry {
  /** First part of its place; what follows is the page's own. */
  readonly path: string;
  readonly title: string;
  readonly icon: IconName;
  readonly Content: ComponentType;
}

/** Every page, in the order of the navigation. A new one adds its folder and one line here. */
export const PAGES: readonly PageEntry[] = [
  { path: "overview", title: "Overview", icon: "overview", Content: lazy(() => import("./overview/page.tsx")) },
  { path: "playground", title: "Playground", icon: "playground", Content: lazy(() => import("./playground/page.tsx")) },
  { path: "market", title: "Market", icon: "market", Content: lazy(() => import("./market/page.tsx")) },
  { path: "proofs", title: "Proofs", icon: "proofs", Content: lazy(() => import("./proofs/page.tsx")) },
  { path: "money", title: "Money", icon: "money", Content: lazy(() => import("./money/page.tsx")) },
  { path: "index", title: "Index", icon: "index", Content: lazy(() => import("./concentration/page.tsx")) },
  { path: "explorer", title: "Explorer", icon: "explorer", Content: lazy(() => import("./explorer/page.tsx")) },
  { path: "learn", title: "Learn", icon: "learn", Content: lazy(() => import("./learn/page.tsx")) },
];
