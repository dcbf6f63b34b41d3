import type { ReactNode } from "react";

/** Drawn on a grid of 24, two units thick; one path language for all. */
const SHAPES = {
  overview: <path d="M4 12h4l2-6 4 12 2-6h4" />,
  playground: <path d="M5 5h14v10H11l-4 4v-4H5z" />,
  market: <path d="M4 9l1.5-4h13L20 9M4 9v10h16V9M4 9h16M9 19v-5h6v5" />,
  proofs: <path d="M12 3l7 3v5c0 5-3 8-7 10-4-2-7-5-7-10V6zM9 12l2.2 2.2L15.5 10" />,
  money: <path d="M4 7h16v11H4zM4 11h16M8 15h3" />,
  explorer: <path d="M11 4a7 7 0 1 1 0 14 7 7 0 0 1 0-14zM16 16l4.5 4.5" />,
  learn: <path d="M4 6c3-1.5 6-1 8 .5 2-1.5 5-2 8-.5v12c-3-1.5-6-1-8 .5-2-1.5-5-2-8-.5zM12 6.500v12" />,
  index: <path d="M5 19V9M12 19V5M19 19v-7M3 19h18" />,
  copy: <path d="M9 9h10v10H9zM5 15V5h10" />,
  check: <path d="M5 12.500l4.500 4.500L19 7.500" />,
  close: <path d="M6 6l12 12M18 6L6 18" />,
  sun: (
    <path d="M12 8a4 4 0 1 1 0 8 4 4 0 0 1 0-8zM12 2v2M12 20v2M2 12h2M20 12h2M5 5l1.400 1.400M17.600 17.600L19 19M5 19l1.400-1.400M17.600 6.400L19 5" />
  ),
  moon: <path d="M20 14.500A8 8 0 0 1 9.500 4 8 8 0 1 0 20 14.500z" />,
  auto: <path d="M4 5h16v11H4zM9 20h6M12 16v4" />,
  up: <path d="M12 19V5M6 11l6-6 6 6" />,
  down: <path d="M12 5v14M6 13l6 6 6-6" />,
  chevron: <path d="M9 5l7 7-7 7" />,
  send: <path d="M4 12l16-7-6 16-3-7z" />,
  stop: <path d="M7 7h10v10H7z" />,
  lock: <path d="M6 11h12v9H6zM8.500 11V8a3.500 3.500 0 0 1 7 0v3" />,
  eye: (
    <path d="M2.500 12S6 5.500 12 5.500 21.500 12 21.500 12 18 18.500 12 18.500 2.500 12 2.500 12zM12 9.500a2.500 2.500 0 1 1 0 5 2.500 2.500 0 0 1 0-5z" />
  ),
  warning: <path d="M12 4l9 16H3zM12 10v4M12 17v.1" />,
  menu: <path d="M4 7h16M4 12h16M4 17h16" />,
  plug: <path d="M9 3v5M15 3v5M6 8h12v3a6 6 0 0 1-12 0zM12 17v4" />,
  download: <path d="M12 4v11M7 10.500l5 5 5-5M4 20h16" />,
  settings: <path d="M4 8h9M17 8h3M4 16h3M11 16h9M15 5.500v5M9 13.500v5" />,
} as const satisfies Readonly<Record<string, ReactNode>>;

export type IconName = keyof typeof SHAPES;

/** A small picture beside words that say the same; screen readers skip it. */
export function Icon({ name, size = 18 }: { readonly name: IconName; readonly size?: number }) {
  return (
    <svg
      aria-hidden="true"
      width={size}
      height={size}
      viewBox="0 0 24 24"
      fill="none"
      stroke="currentColor"
      strokeWidth="1.8"
      strokeLinecap="round"
      strokeLinejoin="round"
    >
      {SHAPES[name]}
    </svg>
  );
}
