const WIDTH = 760;
const FONT = "12px system-ui, sans-serif";

/** What stands out is this package; the rest is there to compare it with. The text and the lines follow light and dark. */
const STYLE = `
  .ours { fill: #1a5ecc; stroke: #1a5ecc } .others { fill: #8a94a6; stroke: #8a94a6 }
  polyline.line { fill: none; stroke-width: 2 } rect.bar { stroke: none } .spread { stroke: #15202b; stroke-width: 1.5 }
  .axis { stroke: #d5dae2; stroke-width: 1 } .base { stroke: #5b6675; stroke-width: 1; stroke-dasharray: 4 3 }
  text { font: ${FONT}; fill: #15202b } .quiet { fill: #5b6675 } .title { font-weight: 600; font-size: 14px }
  @media (prefers-color-scheme: dark) {
    .ours { fill: #6ea3ff; stroke: #6ea3ff } .others { fill: #7d8796; stroke: #7d8796 } .spread { stroke: #e8ecf2 }
    .axis { stroke: #39424f } .base { stroke: #a7b1bf } text { fill: #e8ecf2 } .quiet { fill: #a7b1bf }
  }`;

/**
 * Bars from 0, one a row, with the quartiles of what was measured.
 *
 * @param bars - `{ label, value, text, low?, high?, isOurs }`
 * @param base - where a line is drawn that bars are compared with
 */
export function barChart({ title, bars, base }) {
  const left = 310;
  const top = 44;
  const step = 28;
  const most = Math.max(base ?? 0, ...bars.map(({ value, high = value }) => high));
  const x = (value) => left + (Math.max(0, value) / most) * (WIDTH - left - 90);
  const height = top + bars.length * step + 14;
  const drawn = bars.map((bar, index) => {
    const y = top + index * step;
    const middle = y + 9;
    const spread =
      bar.low === undefined
        ? ""
        : `<line class="spread" x1="${round(x(bar.low))}" x2="${round(x(bar.high))}" y1="${middle}" y2="${middle}"/>`;
    return `<text x="${left - 8}" y="${y + 13}" text-anchor="end">${escape(bar.label)}</text>
  <rect class="bar ${bar.isOurs ? "ours" : "others"}" x="${left}" y="${y}" width="${round(x(bar.value) - left)}" height="18" rx="2"/>
  ${spread}<text class="quiet" x="${round(x(bar.high ?? bar.value) + 8)}" y="${y + 13}">${escape(bar.text)}</text>`;
  });
  const line =
    base === undefined
      ? ""
      : `<line class="base" x1="${x(base)}" x2="${x(base)}" y1="${top - 6}" y2="${height - 10}"/>`;
  return svg(title, height, [...drawn, line]);
}

/**
 * Lines over two logarithmic axes, each named at its end.
 *
 * @param lines - `{ label, isOurs, points: [x, y][] }`
 */
export function lineChart({ title, xName, yName, lines }) {
  const [left, right, top, bottom] = [64, 150, 60, 300];
  const all = lines.flatMap(({ points }) => points);
  const scale = (values, from, to) => {
    const [first, last] = [Math.floor(Math.log10(Math.min(...values))), Math.ceil(Math.log10(Math.max(...values)))];
    const place = (value) => round(from + ((Math.log10(value) - first) / (last - first || 1)) * (to - from));
    return { place, ticks: Array.from({ length: last - first + 1 }, (_value, index) => 10 ** (first + index)) };
  };
  const xs = scale(
    all.map(([x]) => x),
    left,
    WIDTH - right,
  );
  const ys = scale(
    all.map(([, y]) => y),
    bottom,
    top,
  );
  const number = (value) => value.toLocaleString("en", { maximumFractionDigits: 3 });
  const grid = [
    ...ys.ticks.map(
      (y) => `<line class="axis" x1="${left}" x2="${WIDTH - right}" y1="${ys.place(y)}" y2="${ys.place(y)}"/>
  <text class="quiet" x="${left - 8}" y="${ys.place(y) + 4}" text-anchor="end">${number(y)}</text>`,
    ),
    ...xs.ticks.map(
      (x) => `<text class="quiet" x="${xs.place(x)}" y="${bottom + 20}" text-anchor="middle">${number(x)}</text>`,
    ),
    `<text class="quiet" x="${left - 8}" y="${top - 14}" text-anchor="end">${escape(yName)}</text>`,
    `<text class="quiet" x="${WIDTH - right}" y="${bottom + 40}" text-anchor="end">${escape(xName)}</text>`,
  ];
  const drawn = lines.map(({ label, isOurs, points }) => {
    const places = points.map(([x, y]) => [xs.place(x), ys.place(y)]);
    const [endX, endY] = places.at(-1);
    const kind = isOurs ? "ours" : "others";
    return `<polyline class="line ${kind}" points="${places.map((place) => place.join(",")).join(" ")}"/>
  ${places.map(([x, y]) => `<circle class="${kind}" cx="${x}" cy="${y}" r="3"/>`).join("")}
  <text x="${endX + 10}" y="${endY + 4}">${escape(label)}</text>`;
  });
  return svg(title, bottom + 52, [...grid, ...drawn]);
}

function svg(title, height, parts) {
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" width="${WIDTH}" role="img">
  <title>${escape(title)}</title>
  <style>${STYLE}
  </style>
  <text class="title" x="8" y="20">${escape(title)}</text>
  ${parts.join("\n  ")}
</svg>
`;
}

const round = (value) => Math.round(value * 10) / 10;
const escape = (text) => text.replaceAll("&", "&amp;").replaceAll("<", "&lt;");
