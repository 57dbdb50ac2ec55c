// Quantities against the lag: a line for the median, a band from the 10 % to the 90 % quantile.

// Smaller than this, a number says no more than that nothing is left.
const LEAST = 1e-99;
// How far below the lowest of the lines in front those behind them are followed.
const BEHIND = 1e-20;
const ENDLESS = "∞";

let lagScale = "log";

function finite(values) {
  return values.filter(isNumber);
}

// On a logarithmic axis zero lies nowhere; what is below LEAST is drawn there.
function onLog(values) {
  return values.map((value) => (isNumber(value) ? Math.max(value, LEAST) : null));
}

function seeThrough(hex, share) {
  const [red, green, blue] = [1, 3, 5].map((place) => parseInt(hex.slice(place, place + 2), 16));
  return `rgba(${red}, ${green}, ${blue}, ${share})`;
}

// The lags of a curve that an axis can show, with the places of their values.
function lagPlaces({ lags }) {
  return lags.map((_, place) => place).filter((place) => lagScale !== "log" || lags[place] > 0);
}

// Traces of one curve. `band` is left out where lines of several models cross.
function lagTraces(curve, name, style, { band = true, logValues = true, byDefault = false } = {}) {
  const places = lagPlaces(curve);
  const lags = places.map((place) => curve.lags[place]);
  const pick = (values) => {
    const chosen = places.map((place) => values[place]);
    return logValues ? onLog(chosen) : chosen.map((value) => (isNumber(value) ? value : null));
  };
  const visible = !isHidden(name, byDefault);
  const edge = { type: "scatter", mode: "lines", x: lags, line: { width: 0 }, hoverinfo: "skip", legendgroup: name, visible };
  return [
    ...(band
      ? [
          { ...edge, y: pick(curve.low) },
          { ...edge, y: pick(curve.high), fill: "tonexty", fillcolor: seeThrough(style.color, 0.13) },
        ]
      : []),
    line(lags, pick(curve.median), name, style, {
      visible,
      text: places.map((place) => `${asSmall(curve.median[place])}${band ? ` (${asSmall(curve.low[place])} to ${asSmall(curve.high[place])})` : ""}`),
    }),
  ];
}

// A number that may be many powers of ten below one.
function asSmall(value) {
  if (value === ENDLESS) return ENDLESS;
  if (!isNumber(value)) return DASH;
  const size = Math.abs(value);
  if (size !== 0 && (size < 1e-3 || size >= 1e6)) return minus(value.toExponential(1));
  return asValue(value);
}

function lagAxis(extra = {}) {
  const title = axisTitle("lag k, steps");
  if (lagScale !== "log") return readingAxis({ title, rangemode: "tozero", hoverformat: ",d", ...extra });
  return readingAxis({ title, type: "log", hoverformat: ",d", tickvals: lagTicks(), ticktext: lagTicks().map(asCount), ...extra });
}

function lagTicks() {
  const marks = isNarrow() ? [1, 10] : [1, 3, 10, 30];
  return [1, 100, 10_000].flatMap((power) => marks.map((mark) => mark * power));
}

// A logarithmic axis of values: all medians lie inside, bands and lines behind may be cut below.
function logAxis(title, curves, behind = []) {
  const lowest = (some) => Math.min(...onLog(finite(some.flatMap(({ median }) => median))));
  const front = lowest(curves);
  const least = Math.max(Math.min(front, lowest(behind)), front * BEHIND);
  const most = Math.max(...onLog(finite([...curves, ...behind].flatMap(({ median, high }) => [...median, ...(high ?? [])]))));
  const from = Math.log10(least), to = Math.log10(most);
  const margin = Math.max((to - from) * 0.06, 0.1);
  return axisStyle({
    title: axisTitle(title),
    type: "log",
    range: [from - margin, to + margin],
    exponentformat: "power",
    minexponent: 3,
    ...(to - from > 2 ? { dtick: [1, 2, 5, 10, 20, 50].find((step) => step >= (to - from) / 9) } : {}),
  });
}

// What a curve says, for people who do not see it.
function lagWords(name, { lags, median }) {
  const last = lags.length - 1;
  const middle = Math.floor(last / 2);
  const places = [...new Set([0, middle, last])];
  return `${name}: ${places.map((place) => `${asSmall(median[place])} at lag ${asCount(lags[place])}`).join(", ")}`;
}

function lagTable(curves, head) {
  return makeTable(
    [{ name: head }, { name: "Lag", numeric: true }, { name: "Median", numeric: true }, { name: "10 %", numeric: true }, { name: "90 %", numeric: true }, { name: "Samples", numeric: true }],
    curves.flatMap(({ name, curve }) =>
      curve.lags.map((lag, place) => [name, asCount(lag), asSmall(curve.median[place]), asSmall(curve.low[place]), asSmall(curve.high[place]), asCount(curve.samples)]),
    ),
  );
}
