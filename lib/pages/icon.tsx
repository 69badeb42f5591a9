/** The shapes of icons, on a ground of 24 by 24. Drawn here: an icon font or emoji may be missing on the reader's machine. */
const SHAPES = {
  add: ["M12 5v14M5 12h14"],
  bot: ["m7 8-4 4 4 4M17 8l4 4-4 4M14 5l-4 14"],
  check: ["M12 3a9 9 0 1 0 0 18 9 9 0 0 0 0-18ZM8 12.5l2.7 2.7L16 9.5"],
  copy: ["M10 9h9a1 1 0 0 1 1 1v9a1 1 0 0 1-1 1h-9a1 1 0 0 1-1-1v-9a1 1 0 0 1 1-1Z", "M5 15H4V5a1 1 0 0 1 1-1h10v1"],
  desktop: ["M4 4h16a1 1 0 0 1 1 1v10a1 1 0 0 1-1 1H4a1 1 0 0 1-1-1V5a1 1 0 0 1 1-1ZM8 20h8M12 16v4"],
  down: ["m6 9 6 6 6-6"],
  history: ["M12 3a9 9 0 1 0 0 18 9 9 0 0 0 0-18Z", "M12 7v5l3 2"],
  lock: ["M6 10.5h12a2 2 0 0 1 2 2v6a2 2 0 0 1-2 2H6a2 2 0 0 1-2-2v-6a2 2 0 0 1 2-2Z", "M8 10.5V7a4 4 0 0 1 8 0v3.5"],
  more: ["M5 12h.01M12 12h.01M19 12h.01"],
  out: ["M10 4H5a1 1 0 0 0-1 1v14a1 1 0 0 0 1 1h5M15 8l4 4-4 4M19 12H9"],
  phone: ["M8 2h8a2 2 0 0 1 2 2v16a2 2 0 0 1-2 2H8a2 2 0 0 1-2-2V4a2 2 0 0 1 2-2ZM11 19h2"],
  power: ["M12 3v9M6.6 6.6a8 8 0 1 0 10.8 0"],
  remove: ["M6 6l12 12M18 6 6 18"],
  search: ["M11 4a7 7 0 1 0 0 14 7 7 0 0 0 0-14Z", "m20 20-4-4"],
  sorted: ["M12 5v14M6 13l6 6 6-6"],
  sortedUp: ["M12 19V5M6 11l6-6 6 6"],
  tablet: ["M6 2h12a2 2 0 0 1 2 2v16a2 2 0 0 1-2 2H6a2 2 0 0 1-2-2V4a2 2 0 0 1 2-2ZM11 19h2"],
  users: [
    "M9 4.5a3.5 3.5 0 1 0 0 7 3.5 3.5 0 0 0 0-7Z",
    "M2.5 20a6.5 6.5 0 0 1 13 0M16 4.8a3.5 3.5 0 0 1 0 6.4M18 14.2a6.5 6.5 0 0 1 3.5 5.8",
  ],
  warning: ["M12 4 2.8 19.5h18.4L12 4ZM12 10v4.5M12 17v.1"],
} as const satisfies Record<string, readonly string[]>;

export type IconName = keyof typeof SHAPES;

/** Renders an icon. Hidden from screen readers: what it means stands beside it as text. */
export function Icon({ name, size = "" }: { name: IconName; size?: "" | "large" | "huge" | undefined }) {
  return (
    <svg class={`icon ${size}`.trim()} viewBox="0 0 24 24" aria-hidden="true">
      {SHAPES[name].map((path) => (
        <path key={path} d={path} />
      ))}
    </svg>
  );
}

/** Renders the icon of a kind of device. */
export function DeviceIcon({ kind, size }: { kind: string | undefined; size?: "" | "large" | "huge" }) {
  const name =
    kind === "mobile"
      ? "phone"
      : kind === "tablet"
        ? "tablet"
        : kind === "bot" || kind === "client"
          ? "bot"
          : "desktop";
  return <Icon name={name} size={size} />;
}
