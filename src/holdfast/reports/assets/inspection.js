// Puts the page of an inspection together.

const DATA = JSON.parse(byId("holdfast-data").textContent);
let chosenLayer = 0;

function curveAt({ lags, median }, lag) {
  const places = lags.map((_, place) => place).sort((one, other) => Math.abs(Math.log(lags[one] || 0.5) - Math.log(lag)) - Math.abs(Math.log(lags[other] || 0.5) - Math.log(lag)));
  return { lag: lags[places[0]], value: median[places[0]] };
}

function fillFigures() {
  const layer = DATA.layers[chosenLayer];
  const jacobian = layer.curves.jacobian;
  const figures = [];
  if (layer.timescales?.length) {
    const middle = layer.timescales[Math.floor(layer.timescales.length / 2)];
    figures.push(["Timescale", `${asSmall(middle)} steps`, "of the middle unit"]);
    figures.push(["Units that latch", asPercent(layer.shares[0]), `${asPercent(layer.shares[1])} leak, ${asPercent(layer.shares[2])} reset`]);
  }
  if (jacobian) {
    const far = curveAt(jacobian, 100);
    figures.push([`Jacobian at lag ${asCount(far.lag)}`, asSmall(far.value), `${asSmall(jacobian.median[0])} at lag ${asCount(jacobian.lags[0])}`]);
    if (layer.curves.cell_path) figures.push([`Cell path at lag ${asCount(far.lag)}`, asSmall(curveAt(layer.curves.cell_path, far.lag).value), "of the unit that keeps most"]);
  }
  if (layer.lyapunov?.length) figures.push(["Lyapunov exponent", asSmall(layer.lyapunov[0]), "the largest, per step"]);
  if (DATA.context) figures.push(["Context that is used", DATA.context.effective ? plural(DATA.context.effective, "step", "steps") : "all that was read", "by its loss"]);
  fillTerms("figures", figures);
}

function drawLayer() {
  const layer = DATA.layers[chosenLayer];
  fillFigures();
  drawLags(layer);
  drawTimescales(layer);
  drawGates(layer);
  drawCapacity(layer);
  drawLyapunov(layer);
  byId("dynamics").hidden = byId("capacity").hidden && byId("lyapunov").hidden;
}

function redraw() {
  drawings.forEach((draw) => draw());
}

function fillLayers() {
  if (DATA.layers.length < 2) return;
  show("layer-bar");
  const buttons = DATA.layers.map(({ name, kind }, place) =>
    make(
      "button",
      {
        type: "button",
        class: "chip",
        "aria-pressed": String(place === chosenLayer),
        onclick: () => {
          chosenLayer = place;
          buttons.forEach((button, other) => button.setAttribute("aria-pressed", String(other === place)));
          redraw();
        },
      },
      kind ? `${name} · ${kind}` : name,
    ),
  );
  byId("layer-chips").replaceChildren(...buttons);
}

function fillScale() {
  for (const scale of ["log", "linear"])
    byId(`scale-${scale}`).addEventListener("click", () => {
      lagScale = scale;
      for (const one of ["log", "linear"]) byId(`scale-${one}`).setAttribute("aria-pressed", String(one === scale));
      redraw();
    });
}

function start() {
  fillSentences("left-out", DATA.left_out);
  if (DATA.advice.length) show("advice");
  fillSentences("advice-list", DATA.advice);
  fillLayers();
  fillScale();
  if (DATA.layers.length) keepDrawn(drawLayer);
  else for (const id of ["lags", "timescales", "gates", "dynamics"]) byId(id).hidden = true;
  drawContext();
  drawAttribution();
  byId("facts-table").replaceChildren(makeTable([{ name: "What" }, { name: "How" }], DATA.facts, "What was looked at"));
  fillFooter("Charts by plotly.js (MIT licence).");
}

start();
