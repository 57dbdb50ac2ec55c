// How numbers and times are written.

const DASH = "–";
const ENDLESS = "∞";

const writers = new Map();

function writer(options) {
  const key = JSON.stringify(options);
  if (!writers.has(key)) writers.set(key, new Intl.NumberFormat("en-US", options));
  return writers.get(key);
}

function isNumber(value) {
  return typeof value === "number" && Number.isFinite(value);
}

// A value of the user's data: about four digits, never fewer than its whole part.
function asValue(value) {
  if (!isNumber(value)) return DASH;
  const size = Math.abs(value);
  if (size !== 0 && (size >= 1e13 || size < 1e-4)) return minus(value.toExponential(3));
  if (size >= 1000) return minus(writer({ maximumFractionDigits: 0 }).format(value));
  if (size >= 1) return minus(writer({ maximumSignificantDigits: size >= 100 ? 4 : 3 }).format(value));
  return minus(writer({ maximumSignificantDigits: 3 }).format(value));
}

// A number that may be many powers of ten below one.
function asSmall(value) {
  if (value === ENDLESS) return ENDLESS;
  if (!isNumber(value)) return DASH;
  const size = Math.abs(value);
  if (size !== 0 && (size < 1e-3 || size >= 1e6)) return minus(value.toExponential(1));
  return asValue(value);
}

function asFixed(value, digits) {
  if (!isNumber(value)) return DASH;
  return minus(writer({ minimumFractionDigits: digits, maximumFractionDigits: digits }).format(value));
}

function asCount(value) {
  return isNumber(value) ? writer({ maximumFractionDigits: 0 }).format(value) : DASH;
}

// A share from 0 to 1 as a percentage.
function asPercent(share, digits = 0) {
  return isNumber(share) ? `${asFixed(100 * share, digits)}\u00a0%` : DASH;
}

// A change in percent, with its sign.
function asChange(percent) {
  if (!isNumber(percent)) return DASH;
  if (Math.abs(percent) >= 1000) return percent > 0 ? "> +999 %" : "< −999 %";
  if (Math.abs(percent) < 0.05) return "0.0 %";
  return `${percent > 0 ? "+" : ""}${asFixed(percent, 1)} %`;
}

function asSeconds(seconds) {
  if (!isNumber(seconds)) return DASH;
  if (seconds < 10) return `${asFixed(seconds, 1)} s`;
  if (seconds < 120) return `${asFixed(seconds, 0)} s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 120) return `${minutes} min ${asFixed(seconds - 60 * minutes, 0)} s`;
  return `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}

function minus(text) {
  return text.replaceAll("-", "−");
}

function plural(count, one, many) {
  return `${asCount(count)} ${count === 1 ? one : many}`;
}

// A point of the time axis (milliseconds since 1970, or a counter) for people.
function asTime(point, unit) {
  if (!isNumber(point)) return DASH;
  if (unit === "integer") return String(point);
  const text = new Date(point).toISOString();
  if (unit === "year") return text.slice(0, 4);
  if (unit === "quarter") return `${text.slice(0, 4)}-Q${Math.floor((Number(text.slice(5, 7)) + 2) / 3)}`;
  if (unit === "month") return text.slice(0, 7);
  if (unit === "day") return text.slice(0, 10);
  const length = { minute: 16, second: 19, millisecond: 23 }[unit];
  return text.slice(0, length).replace("T", " ");
}

// The same point for plotly.
function asPlotTime(point, unit) {
  return unit === "integer" ? point : new Date(point).toISOString().slice(0, -1).replace("T", " ");
}

// And back: plotly writes the ends of a range as "2024-01-31" or "2024-01-31 12:00:00.5".
function fromPlotTime(end, unit) {
  if (unit === "integer") return Number(end);
  const [day, clock = "00:00"] = String(end).split(" ");
  return Date.parse(`${day}T${clock}Z`);
}

// d3's pattern for a unit, for the hover box.
function timePattern(unit) {
  return {
    integer: "",
    year: "%Y",
    quarter: "%Y-%m",
    month: "%Y-%m",
    day: "%a %Y-%m-%d",
    minute: "%a %Y-%m-%d %H:%M",
    second: "%Y-%m-%d %H:%M:%S",
    millisecond: "%Y-%m-%d %H:%M:%S.%L",
  }[unit];
}

const BLEND = "holdfast";

function methodName(method) {
  return method === BLEND ? "Holdfast (blend)" : method;
}
