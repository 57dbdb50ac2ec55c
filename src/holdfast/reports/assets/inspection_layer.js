// Charts of one layer in one direction: Jacobians, timescales, gates, capacity, exponents.

const PARTS = [
  ["jacobian", "whole Jacobian", () => blendStyle()],
  ["cell_path", "cell path, best unit", () => ({ ...memberStyle(1), dash: "solid", width: 2.2 })],
  ["median_cell", "cell path, median unit", () => ({ ...memberStyle(1), dash: "dash", width: 1.8 })],
  ["rest", "rest", () => ({ ...memberStyle(0), dash: "solid", width: 1.8 })],
  ["output", "reaches the output", () => ({ ...memberStyle(2), dash: "solid", width: 2.2 })],
];
const BEFORE = "before training";

function beforeStyle(style) {
  return { ...style, dash: "dot", width: 1.6 };
}

function present(curves) {
  return PARTS.filter(([key]) => curves?.[key]).map(([key, name, style]) => ({ key, name, style: style(), curve: curves[key] }));
}

function drawLags(layer) {
  const now = present(layer.curves);
  const before = present(layer.before);
  if (!now.length) return;
  Plotly.react(
    "lag-chart",
    [
      ...before.flatMap(({ name, style, curve }) =>
        lagTraces(curve, BEFORE, beforeStyle(style), { band: false }).map((trace) => ({ ...trace, name: `${name}, ${BEFORE}` })),
      ),
      ...now.flatMap(({ name, style, curve }) => lagTraces(curve, name, style)),
    ],
    baseLayout({ xaxis: lagAxis(), yaxis: logAxis("norm", now.map(({ curve }) => curve), before.map(({ curve }) => curve)) }),
    CONFIG,
  );
  byId("lag-chart").setAttribute(
    "aria-label",
    `Jacobian norms of ${layer.name} by lag. ${[...now, ...before.map(({ name, curve }) => ({ name: `${name} ${BEFORE}`, curve }))].map(({ name, curve }) => lagWords(name, curve)).join(". ")}.`,
  );
  fillLegend("lag-legend", byId("lag-chart"), [
    ...now.map(({ name, style }) => ({ name, style })),
    ...(before.length ? [{ name: BEFORE, style: beforeStyle(historyStyle()) }] : []),
  ]);
  fillNumbers("lag-numbers", () =>
    lagTable([...now, ...before.map(({ name, curve }) => ({ name: `${name}, ${BEFORE}`, curve }))], "Norm"),
  );
  byId("lag-caption").textContent = `${layer.curves.cell_path ? "Norms of the Jacobian of the state by the state k steps before, and of its parts" : "Norm of the Jacobian of the state by the state k steps before"}: median over ${asCount(layer.curves.jacobian.samples)} sequences and positions, shaded from the 10 % to the 90 % quantile.${layer.kind.startsWith("RNN") ? " A plain RNN has no cell path: all there is goes through its matrix, step by step." : ""}`;
}

// What a unit does, by its timescale in steps of a sequence as long as this one.
function unitKind(timescale) {
  if (timescale === ENDLESS || timescale > DATA.steps) return "latches";
  return timescale <= 2 ? "resets" : "leaks";
}

function kindColour(kind) {
  return colour({ latches: "--blend", leaks: "--member-2", resets: "--member-1" }[kind]);
}

const KINDS = { latches: "circle", leaks: "diamond", resets: "x" };

function drawTimescales(layer) {
  byId("timescales").hidden = !layer.timescales?.length;
  if (!layer.timescales?.length) return;
  const known = finite([...layer.timescales, ...(layer.timescales_before ?? [])]);
  const top = 10 ** Math.ceil(Math.log10(Math.max(DATA.steps, ...known, 10)) + 0.3);
  const heights = (values) => values.map((value) => (value === ENDLESS ? top : Math.max(value, 0.1)));
  const places = layer.timescales.map((_, place) => place + 1);
  const kinds = layer.timescales.map(unitKind);
  const spread = (layer.units - 1) / Math.max(layer.timescales.length - 1, 1);
  const rank = (place) => 1 + (place - 1) * spread;
  const dots = Object.keys(KINDS).map((kind) => {
    const chosen = places.filter((place) => kinds[place - 1] === kind);
    return {
      ...line(chosen.map(rank), heights(chosen.map((place) => layer.timescales[place - 1])), kind, { color: kindColour(kind), width: 2 }),
      mode: "markers",
      marker: { color: kindColour(kind), size: 7, symbol: KINDS[kind] },
      text: chosen.map((place) => `${asSmall(layer.timescales[place - 1])} steps`),
    };
  });
  const before = layer.timescales_before
    ? [line(places.map(rank), heights(layer.timescales_before), BEFORE, beforeStyle(historyStyle()), { mode: "lines", text: layer.timescales_before.map((value) => `${asSmall(value)} steps`) })]
    : [];
  const endless = layer.timescales.includes(ENDLESS);
  const low = Math.log10(Math.max(Math.min(...known, 1), 0.1));
  const ticks = [0.1, 1, 10, 100, 1000, 10000, 100000, 1000000].filter((tick) => tick >= 10 ** low * 0.9 && tick < top);
  Plotly.react(
    "timescale-chart",
    [...before, ...dots],
    baseLayout({
      hovermode: "closest",
      xaxis: axisStyle({ title: axisTitle("unit, the longest first"), showgrid: false, range: [1 - layer.units * 0.02, layer.units * 1.02] }),
      yaxis: axisStyle({
        title: axisTitle("timescale, steps"),
        type: "log",
        range: [low - 0.2, Math.log10(top) + 0.1],
        tickvals: [...ticks, ...(endless ? [top] : [])],
        ticktext: [...ticks.map(asValue), ...(endless ? [ENDLESS] : [])],
      }),
      shapes: [DATA.steps, 2].map((at) => ({ type: "line", xref: "paper", x0: 0, x1: 1, y0: at, y1: at, line: { color: colour("--muted"), width: 1, dash: "dash" } })),
      annotations: [
        { xref: "paper", x: 1, y: Math.log10(DATA.steps), text: "length of the sequence", showarrow: false, xanchor: "right", yanchor: "bottom", font: { size: 11, color: colour("--muted") } },
      ],
    }),
    CONFIG,
  );
  const [latching, leaking, resetting] = layer.shares;
  byId("timescale-chart").setAttribute(
    "aria-label",
    `Timescales of ${asCount(layer.units)} units of ${layer.name}, from ${asSmall(layer.timescales[0])} to ${asSmall(layer.timescales[layer.timescales.length - 1])} steps; ${asPercent(latching)} latch, ${asPercent(leaking)} leak, ${asPercent(resetting)} reset.`,
  );
  const counts = Object.fromEntries(Object.keys(KINDS).map((kind) => [kind, kinds.filter((one) => one === kind).length]));
  fillLegend("timescale-legend", byId("timescale-chart"), [
    ...Object.keys(KINDS).filter((kind) => counts[kind]).map((kind) => ({ name: kind, fill: kindColour(kind) })),
    ...(before.length ? [{ name: BEFORE, style: beforeStyle(historyStyle()) }] : []),
  ]);
  byId("timescale-shares").replaceChildren(
    ...[["latch", latching], ["leak", leaking], ["reset", resetting]].filter(([, share]) => share > 0).map(([name, share]) => {
      const part = make("span", { class: name, title: `${asPercent(share, 1)} ${name}` }, share > 0.12 ? `${asPercent(share)} ${name}` : "");
      part.style.flex = String(share);
      return part;
    }),
  );
  fillNumbers("timescale-numbers", () =>
    makeTable(
      [{ name: "Unit, by timescale" }, { name: "Steps", numeric: true }, { name: "What it does" }, ...(layer.timescales_before ? [{ name: "Steps before training", numeric: true }] : [])],
      places.map((place) => [
        asCount(Math.round(rank(place))), asSmall(layer.timescales[place - 1]), kinds[place - 1], ...(layer.timescales_before ? [asSmall(layer.timescales_before[place - 1])] : []),
      ]),
    ),
  );
}

function gateStyle(name, place) {
  const known = { "forget gate": "--blend", "update gate": "--blend", "input gate": "--member-2", "reset gate": "--member-2", "output gate": "--member-1" }[name];
  return known ? { color: colour(known), dash: "solid", width: 2 } : memberStyle(place);
}

function drawGates(layer) {
  byId("gates").hidden = !layer.gates?.length;
  if (!layer.gates?.length) return;
  const stepsOf = (values) => values.map((_, place) => 1 + ((place + 0.5) * DATA.steps) / values.length - 0.5);
  const gates = layer.gates.map((gate, place) => ({ ...gate, style: gateStyle(gate.name, place) }));
  const before = gates.filter((gate) => gate.before);
  Plotly.react(
    "gate-chart",
    [
      ...before.map((gate) => line(stepsOf(gate.before.by_step), gate.before.by_step, BEFORE, beforeStyle(gate.style), { name: `${gate.name}, ${BEFORE}`, text: gate.before.by_step.map((value) => asFixed(value, 3)) })),
      ...gates.map((gate) => line(stepsOf(gate.by_step), gate.by_step, gate.name, gate.style, { text: gate.by_step.map((value) => asFixed(value, 3)) })),
    ],
    baseLayout({ xaxis: readingAxis({ title: axisTitle("step"), hoverformat: ",.0f" }), yaxis: axisStyle({ title: axisTitle("mean opening"), range: [-0.02, 1.02], dtick: 0.25 }) }),
    CONFIG,
  );
  byId("gate-chart").setAttribute(
    "aria-label",
    `Gates of ${layer.name} by step. ${gates.map(({ name, by_step: by, closed, open }) => `${name}: ${asFixed(by[0], 2)} at the first step, ${asFixed(by[by.length - 1], 2)} at the last, ${asPercent(closed)} closed, ${asPercent(open)} open`).join(". ")}.`,
  );
  fillLegend("gate-legend", byId("gate-chart"), [
    ...gates.map(({ name, style }) => ({ name, style })),
    ...(before.length ? [{ name: BEFORE, style: beforeStyle(historyStyle()) }] : []),
  ]);
  const mean = (values) => finite(values).reduce((sum, value) => sum + value, 0) / Math.max(finite(values).length, 1);
  byId("gate-table").replaceChildren(
    makeTable(
      [{ name: "Gate" }, { name: "Mean", numeric: true }, { name: "Units between", numeric: true }, { name: "Below 0.05", numeric: true }, { name: "Above 0.95", numeric: true }],
      gates.flatMap((gate) => [
        [gate.name, asFixed(mean(gate.by_step), 3), `${asFixed(gate.by_unit[gate.by_unit.length - 1], 2)} and ${asFixed(gate.by_unit[0], 2)}`, asPercent(gate.closed, 1), asPercent(gate.open, 1)],
        ...(gate.before ? [[`${gate.name}, ${BEFORE}`, asFixed(mean(gate.before.by_step), 3), "", asPercent(gate.before.closed, 1), asPercent(gate.before.open, 1)]] : []),
      ]),
      "Saturation of the gates",
    ),
  );
  fillNumbers("gate-numbers", () =>
    makeTable(
      [{ name: "Step" }, ...gates.map(({ name }) => ({ name, numeric: true }))],
      stepsOf(gates[0].by_step).map((step, place) => [asCount(Math.round(step)), ...gates.map(({ by_step: by }) => asFixed(by[place], 3))]),
    ),
  );
}

function drawCapacity(layer) {
  byId("capacity").hidden = !layer.capacity;
  if (!layer.capacity) return;
  const style = { ...blendStyle(), width: 2.2 };
  const total = ({ lags, median }) => lags.reduce((sum, lag, place) => sum + (lag - (place ? lags[place - 1] : lag - 1)) * median[place], 0);
  Plotly.react(
    "capacity-chart",
    [
      ...(layer.capacity_before ? lagTraces(layer.capacity_before, BEFORE, beforeStyle(historyStyle()), { band: false, logValues: false }) : []),
      ...lagTraces(layer.capacity, "R²", style, { logValues: false, band: layer.capacity.samples > 1 }),
    ],
    baseLayout({ xaxis: lagAxis(), yaxis: axisStyle({ title: axisTitle("R²"), range: [-0.02, 1.02], dtick: 0.25 }) }),
    CONFIG,
  );
  byId("capacity-chart").setAttribute("aria-label", `Memory capacity of ${layer.name}. ${lagWords("R²", layer.capacity)}.`);
  byId("capacity-caption").textContent = `White noise k steps back, read linearly from the state. Over the measured lags it comes to about ${asFixed(total(layer.capacity), 1)} steps of ${asCount(layer.units)} units.${layer.capacity_before ? ` Before training (dotted): ${asFixed(total(layer.capacity_before), 1)}.` : ""}`;
  fillNumbers("capacity-numbers", () =>
    lagTable([{ name: "R²", curve: layer.capacity }, ...(layer.capacity_before ? [{ name: `R², ${BEFORE}`, curve: layer.capacity_before }] : [])], "Capacity"),
  );
}

function drawLyapunov(layer) {
  byId("lyapunov").hidden = !layer.lyapunov?.length;
  if (!layer.lyapunov?.length) return;
  const style = { ...blendStyle(), width: 2.2 };
  const places = (values) => values.map((_, place) => place + 1);
  const text = (values) => values.map((value) => asSmall(value));
  const before = layer.lyapunov_before;
  Plotly.react(
    "lyapunov-chart",
    [
      ...(before ? [line(places(before), before, BEFORE, beforeStyle(historyStyle()), { text: text(before) })] : []),
      line(places(layer.lyapunov), layer.lyapunov, "exponent", style, { mode: layer.lyapunov.length > 60 ? "lines" : "lines+markers", marker: { color: style.color, size: 5 }, text: text(layer.lyapunov) }),
    ],
    baseLayout({ xaxis: readingAxis({ title: axisTitle("exponent, the largest first"), hoverformat: ",d" }), yaxis: axisStyle({ title: axisTitle("per step"), zeroline: true, rangemode: "tozero", zerolinewidth: 2 }) }),
    CONFIG,
  );
  const largest = layer.lyapunov[0];
  const verdict = largest > 0.005 ? "differences grow: the dynamics are chaotic" : largest > -0.005 ? "differences neither grow nor fade: what is written stays" : `the slowest difference fades to 1/e in ${asValue(-1 / largest)} steps`;
  byId("lyapunov-caption").textContent = `Lyapunov exponents of the state. The largest is ${asSmall(largest)}: ${verdict}.${before ? ` Before training (dotted): ${asSmall(before[0])}.` : ""}`;
  byId("lyapunov-chart").setAttribute("aria-label", `${asCount(layer.lyapunov.length)} Lyapunov exponents of ${layer.name}, from ${asSmall(largest)} down to ${asSmall(layer.lyapunov[layer.lyapunov.length - 1])} per step; ${verdict}.`);
  fillNumbers("lyapunov-numbers", () =>
    makeTable([{ name: "Place" }, { name: "Exponent", numeric: true }, ...(before ? [{ name: "Before training", numeric: true }] : [])], layer.lyapunov.map((value, place) => [asCount(place + 1), asSmall(value), ...(before ? [asSmall(before[place])] : [])])),
  );
}
