// The record as it stands in the page, unpacked where it is looked at.

const DATA = JSON.parse(byId("holdfast-data").textContent);
const SERIES = DATA.series;
const MISSING = 65535;

// Every timestamp of the page: the first point and runs of equal steps.
const AXIS = (() => {
  const { first, runs } = DATA.axis;
  if (first === null) return [];
  const points = [first];
  for (let run = 0; run < runs.length; run += 2)
    for (let count = 0; count < runs[run + 1]; count++) points.push(points[points.length - 1] + runs[run]);
  return points;
})();

const UNIT = DATA.axis.unit;

// A packed curve as numbers, null where there is no value.
function unpack([origin, exponent, text]) {
  const bytes = atob(text);
  const values = new Array(bytes.length / 2);
  const up = exponent > 0 ? 10 ** exponent : 1;
  const down = exponent < 0 ? 10 ** -exponent : 1;
  for (let place = 0; place < values.length; place++) {
    const code = bytes.charCodeAt(2 * place) + 256 * bytes.charCodeAt(2 * place + 1);
    values[place] = code === MISSING ? null : ((origin + code) / down) * up;
  }
  return values;
}

// The points of the axis at which a curve of some length lies.
function pointsAt(place, length) {
  if (Array.isArray(place)) return place.map((position) => AXIS[position]);
  return AXIS.slice(place, place + length);
}

// All curves of a series that the page has room for; null where it has none.
function curvesOf(index) {
  const packed = SERIES.curves[index];
  if (!packed) return null;
  const history = unpack(packed.h);
  const median = unpack(packed.m);
  return {
    times: pointsAt(packed.t, history.length),
    history,
    ahead: pointsAt(packed.f, median.length),
    median,
    bands: DATA.levels
      .map((level, place) => ({ level, lower: packed.lo[place], upper: packed.hi[place] }))
      .filter(({ lower }) => lower !== null)
      .map(({ level, lower, upper }) => ({ level, lower: unpack(lower), upper: unpack(upper) })),
    members: (packed.x ?? []).map((curve, place) => ({ name: DATA.members[place], values: unpack(curve) })),
    past: (packed.b ?? []).map(([fold, place, curve]) => {
      const values = unpack(curve);
      return { fold, times: pointsAt(place, values.length), values };
    }),
    odd: packed.a ?? [],
    brief: !packed.x,
  };
}

function methodOf(index) {
  return SERIES.methods[SERIES.method[index]];
}

function noteOf(index) {
  return SERIES.notes[SERIES.note[index]];
}

// The blend's error against seasonal naive's, in percent: negative is better.
function againstNaive(index) {
  const naive = SERIES.naive[index];
  return isNumber(SERIES.mase[index]) && naive > 0 ? 100 * (SERIES.mase[index] / naive - 1) : null;
}
