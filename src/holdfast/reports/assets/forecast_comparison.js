// Puts the page of networks as forecasters of one table together.

const DATA = JSON.parse(byId("holdfast-data").textContent);

function drawScores() {
  const rows = [...DATA.models].reverse();
  const simple = DATA.simple.filter(([, score]) => isNumber(score));
  const all = [...DATA.models.flatMap(({ scores }) => scores.filter(isNumber)), ...simple.map(([, score]) => score)];
  const low = Math.min(...all), high = Math.max(...all);
  const margin = (high - low || Math.abs(high) || 1) * 0.08;
  const points = rows.flatMap(({ name, scores }) => scores.map((score) => ({ name, score })));
  byId("score-chart").style.height = `${110 + 44 * rows.length}px`;
  Plotly.react(
    "score-chart",
    [
      { type: "scatter", mode: "markers", x: points.map(({ score }) => score), y: points.map(({ name }) => plainText(name)), marker: { color: colour("--past"), size: 8, opacity: 0.7 }, hovertemplate: "%{x:.3f}<extra></extra>" },
      { type: "scatter", mode: "markers", x: rows.map(({ middle }) => middle), y: rows.map(({ name }) => plainText(name)), marker: { color: colour("--blend"), size: 22, symbol: "line-ns", line: { width: 3, color: colour("--blend") } }, hovertemplate: "median %{x:.3f}<extra></extra>" },
    ],
    baseLayout({
      hovermode: "closest",
      margin: { l: 8, r: 12, t: 26 + 16 * Math.min(simple.length, 3), b: 8 },
      xaxis: axisStyle({ title: axisTitle("MASE"), range: [low - margin, high + margin] }),
      yaxis: axisStyle({ type: "category", showgrid: true }),
      shapes: simple.map(([, score]) => ({ type: "line", yref: "paper", y0: 0, y1: 1, x0: score, x1: score, line: { color: colour("--member-1"), width: 1.4, dash: "dash" } })),
      annotations: simple.map(([name, score], place) => ({ x: score, yref: "paper", y: 1, yshift: 16 * (place % 3), yanchor: "bottom", xanchor: score > (low + high) / 2 ? "right" : "left", text: plainText(name), showarrow: false, font: { size: 11, color: colour("--muted") } })),
    }),
    CONFIG,
  );
  byId("score-chart").setAttribute("aria-label", `MASE: ${[...DATA.models.map(({ name, middle }) => [name, middle]), ...DATA.simple].map(([name, score]) => `${name} ${asFixed(score, 3)}`).join(", ")}.`);
}

function fillTable() {
  const rows = [
    ...DATA.models.map(({ name, parameters, middle, scores }) => ({ name, parameters: asCount(parameters), middle, seeds: scores })),
    ...DATA.simple.map(([name, score]) => ({ name, parameters: DASH, middle: score, seeds: [] })),
  ].sort((one, other) => (one.middle ?? Infinity) - (other.middle ?? Infinity));
  byId("score-table").replaceChildren(
    makeTable(
      [{ name: "Method" }, { name: "Weights", numeric: true }, { name: "MASE", numeric: true }, { name: "Seeds", numeric: true }, { name: "Best seed", numeric: true }, { name: "Worst seed", numeric: true }],
      rows.map(({ name, parameters, middle, seeds }, place) => ({
        className: place === 0 ? "blend" : null,
        cells: [name, parameters, asFixed(middle, 3), seeds.length ? asCount(seeds.length) : DASH, asFixed(seeds.length ? Math.min(...seeds.filter(isNumber)) : null, 3), asFixed(seeds.length ? Math.max(...seeds.filter(isNumber)) : null, 3)],
      })),
      "Scores of networks and simple methods",
    ),
  );
}

function start() {
  fillSentences("findings", DATA.findings);
  if (DATA.models.length) keepDrawn(drawScores);
  fillTable();
  fillFooter("Charts by plotly.js (MIT licence).");
}

start();
