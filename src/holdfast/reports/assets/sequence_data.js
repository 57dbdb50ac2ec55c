// One sequence as it stands in the page, and what is looked at: a layer, a step, a unit, a window.

const DATA = JSON.parse(byId("holdfast-data").textContent);
const LENGTH = DATA.labels.length;
const LEVELS = 254;
const IS_TEXT = DATA.values === null;

const view = { layer: 0, step: LENGTH - 1, place: 0, first: 0, steps: LENGTH, byWeight: false };

for (const layer of DATA.layers)
  for (const field of layer.fields) {
    const text = atob(field.codes);
    field.bytes = Uint8Array.from(text, (letter) => letter.charCodeAt(0));
  }

function layerInView() {
  return DATA.layers[view.layer];
}

// Places of the units from the top row down: by timescale as they are stored, or by weight.
function rowOrder() {
  const { units, weight } = layerInView();
  const places = units.map((_, place) => place);
  return view.byWeight && weight ? places.sort((one, other) => weight[other] - weight[one]) : places;
}

function valueAt(field, place, step) {
  const code = field.bytes[place * LENGTH + step];
  return code > LEVELS ? null : field.low + (code / LEVELS) * (field.high - field.low);
}

// Move the window so that the step that is read lies in its middle.
function recentre() {
  view.first = Math.max(0, Math.min(LENGTH - view.steps, view.step - Math.floor(view.steps / 2)));
}

function stepName(step) {
  return `step ${asCount(DATA.first + step + 1)}`;
}

function tokenName(step) {
  const label = DATA.labels[step];
  return IS_TEXT ? label.trim() || JSON.stringify(label).slice(1, -1).replaceAll(" ", "␣") : label;
}

// Each step's part in the sum of the attributions' sizes, with its sign.
const SHARES = (() => {
  if (!DATA.attribution) return null;
  const sum = DATA.attribution.reduce((all, one) => all + Math.abs(one ?? 0), 0);
  return DATA.attribution.map((one) => (sum > 0 ? (one ?? 0) / sum : 0));
})();

function rgb(name) {
  const hex = getComputedStyle(document.documentElement).getPropertyValue(name).trim();
  return [1, 3, 5].map((place) => parseInt(hex.slice(place, place + 2), 16));
}

function colourOf(name) {
  return getComputedStyle(document.documentElement).getPropertyValue(name).trim();
}

// 256 colours: from the page to blue for gates, from orange over the page to blue for states.
function ramp(gate) {
  const empty = rgb("--page"), high = rgb("--blend"), low = rgb("--member-1");
  return Array.from({ length: LEVELS + 2 }, (_, code) => {
    if (code > LEVELS) return rgb("--line");
    const share = gate ? code / LEVELS : (2 * code) / LEVELS - 1;
    const end = share < 0 ? low : high;
    return empty.map((part, place) => Math.round(part + (end[place] - part) * Math.abs(share)));
  });
}
