// What is read at a place, and the tables behind the pictures.

const MOST = 12;

function restsMost(count) {
  return SHARES.map((share, step) => ({ share, step })).filter(({ share }) => share).sort((one, other) => Math.abs(other.share) - Math.abs(one.share)).slice(0, count);
}

function fact(name, value) {
  return make("span", {}, make("small", {}, name), value);
}

function fillReading() {
  const { step, place } = view;
  const layer = layerInView();
  const values = DATA.values?.map((column, channel) => fact(DATA.channels[channel] || "value", asSmall(column[step]))) ?? [];
  const parts = layer?.written.length ? ["written", "kept", "erased"].map((name) => fact(name, asSmall(layer[name][step]))) : [];
  const first = make(
    "p",
    {},
    make("b", {}, IS_TEXT ? `${stepName(step)}: “${tokenName(step)}”` : DATA.labels[step]),
    values,
    SHARES ? fact("rests on it", asPercent(SHARES[step], 1)) : null,
    parts,
  );
  if (!layer) return byId("reading").replaceChildren(first);
  const second = make(
    "p",
    {},
    make("b", {}, `unit ${layer.units[place]}`),
    layer.timescales ? fact("timescale", `${asSmall(layer.timescales[place])} steps`) : null,
    layer.weight ? fact("weight", asPercent(layer.weight[place], 1)) : null,
    layer.fields.map((field) => fact(field.name, asFixed(valueAt(field, place, step), field.name.endsWith("gate") ? 2 : 3))),
  );
  byId("reading").replaceChildren(first, second);
}

// A button in a table that reads a step or a unit.
function reader(text, change) {
  return make("button", { type: "button", class: "name", onclick: () => { change(); look(); } }, text);
}

function spark(layer, place) {
  const field = layer.fields.find(({ name }) => name === "cell") ?? layer.fields[layer.fields.length - 1];
  if (!field) return "";
  const points = 100, width = 110, height = 26;
  const reach = Math.max(Math.abs(field.low), Math.abs(field.high)) || 1;
  const path = Array.from({ length: Math.min(points, LENGTH) }, (_, at) => {
    const step = Math.floor((at * (LENGTH - 1)) / Math.max(Math.min(points, LENGTH) - 1, 1));
    const value = valueAt(field, place, step) ?? 0;
    return `${((step / Math.max(LENGTH - 1, 1)) * width).toFixed(1)} ${(height / 2 - (value / reach) * (height / 2 - 2)).toFixed(1)}`;
  });
  return makeSvg("svg", { class: "spark", viewBox: `0 0 ${width} ${height}`, width, height, role: "img", "aria-label": `${field.name} of unit ${layer.units[place]} over the sequence` }, makeSvg("path", { class: "spark-forecast", d: `M${path.join("L")}` }));
}

function fillWeights() {
  const layer = layerInView();
  byId("weights").hidden = !layer;
  if (!layer) return;
  const weighted = layer.weight;
  const places = layer.units.map((_, place) => place);
  const top = (weighted ? places.sort((one, other) => weighted[other] - weighted[one]) : places).slice(0, MOST);
  byId("weights-title").textContent = weighted ? "Units that matter most" : "Units that keep longest";
  byId("weights-caption").textContent = weighted
    ? `How much the output rests on each unit of ${layer.name}: its state times the output's slope along it, as a share of all units.`
    : `How much the output rests on each unit of ${layer.name} is not known; these have the longest timescales.`;
  byId("weights-table").replaceChildren(
    makeTable(
      [{ name: "Unit" }, ...(weighted ? [{ name: "Weight", numeric: true }] : []), ...(layer.timescales ? [{ name: "Timescale", numeric: true }] : []), { name: layer.fields.some(({ name }) => name === "cell") ? "Its cell" : "Its state" }],
      top.map((place) => [
        reader(`unit ${layer.units[place]}`, () => (view.place = place)),
        ...(weighted ? [asPercent(weighted[place], 1)] : []),
        ...(layer.timescales ? [asSmall(layer.timescales[place])] : []),
        spark(layer, place),
      ]),
      "Units that matter most",
    ),
  );
}

function fillRests() {
  if (!SHARES) return;
  show("rests");
  byId("rests-caption").textContent = `Integrated gradients of ${DATA.output || "the output"}: each step's share of all; what has a minus lowers it.`;
  byId("rests-table").replaceChildren(
    makeTable(
      [{ name: IS_TEXT ? "Token" : "Time" }, { name: "Before the end", numeric: true }, { name: "Share", numeric: true }],
      restsMost(MOST).map(({ step, share }) => [reader(tokenName(step), () => (view.step = step)), asCount(LENGTH - 1 - step), asPercent(share, 1)]),
      "Steps that the output rests on",
    ),
  );
}

function fillChanges() {
  const layer = layerInView();
  byId("changes").hidden = !layer?.written.length;
  if (!layer?.written.length) return;
  const order = layer.written.map((_, step) => step).sort((one, other) => layer.written[other] - layer.written[one]).slice(0, MOST);
  byId("changes-table").replaceChildren(
    makeTable(
      [{ name: IS_TEXT ? "Token" : "Time" }, { name: "Step", numeric: true }, { name: "Written", numeric: true }, { name: "Kept", numeric: true }, { name: "Erased", numeric: true }],
      order.map((step) => [reader(tokenName(step), () => (view.step = step)), asCount(DATA.first + step + 1), asFixed(layer.written[step], 3), asFixed(layer.kept[step], 3), asFixed(layer.erased[step], 3)]),
      "Steps that wrote most",
    ),
  );
}

function fillTables() {
  const layer = layerInView();
  fillWeights();
  fillChanges();
  fillNumbers("step-numbers", () =>
    makeTable(
      [{ name: "Step" }, { name: IS_TEXT ? "Token" : "Time" }, ...DATA.channels.map((name) => ({ name: name || "Value", numeric: true })), ...(SHARES ? [{ name: "Rests on it", numeric: true }] : []), ...(layer?.written.length ? ["Written", "Kept", "Erased"].map((name) => ({ name, numeric: true })) : [])],
      DATA.labels.map((_, step) => [
        asCount(DATA.first + step + 1), tokenName(step), ...(DATA.values ?? []).map((column) => asSmall(column[step])), ...(SHARES ? [asPercent(SHARES[step], 2)] : []),
        ...(layer?.written.length ? ["written", "kept", "erased"].map((name) => asFixed(layer[name][step], 3)) : []),
      ]),
    ),
  );
}

function fillUnitNumbers() {
  const layer = layerInView();
  if (!layer) return;
  fillNumbers("unit-numbers", () =>
    makeTable(
      [{ name: "Step" }, { name: IS_TEXT ? "Token" : "Time" }, ...layer.fields.map(({ name }) => ({ name, numeric: true }))],
      DATA.labels.map((_, step) => [asCount(DATA.first + step + 1), tokenName(step), ...layer.fields.map((field) => asFixed(valueAt(field, view.place, step), 3))]),
      `Unit ${layer.units[view.place]} of ${layer.name}`,
    ),
  );
}
