// Values of the past that were not expected: marks in the chart, and a table of the farthest.

const ODD = "Not expected";

const oddStyle = () => ({ color: colour("--grave"), width: 2 });

// The marked points of a series: where they lie in its history, and what had been expected.
function oddPoints(curves) {
  return curves.odd
    .map(([back, lower, upper]) => ({ place: curves.history.length - 1 - back, lower, upper }))
    .filter(({ place }) => place >= 0 && isNumber(curves.history[place]))
    .sort((one, other) => one.place - other.place);
}

function oddTrace(curves, times) {
  const points = oddPoints(curves);
  return {
    type: "scatter",
    mode: "markers",
    x: points.map(({ place }) => times[place]),
    y: points.map(({ place }) => curves.history[place]),
    name: ODD,
    legendgroup: ODD,
    visible: !isHidden(ODD),
    marker: { symbol: "circle-open", size: 11, color: colour("--grave"), line: { color: colour("--grave"), width: 2 } },
    text: points.map(({ lower, upper }) => `expected ${asValue(lower)} to ${asValue(upper)}`),
    hovertemplate: "%{text}",
  };
}

function fillAnomalies(anomalies) {
  if (!anomalies) return;
  const { level, judged, count, calibrated, rows } = anomalies;
  const ordinary = Math.max(Math.round((1 - level / 100) * judged), 0);
  byId("anomalies-caption").textContent =
    `${asCount(count)} of ${plural(judged, "value", "values")} lie outside what was expected one step before, by ${level} % intervals` +
    (calibrated ? "; " : " (too few values to calibrate them); ") +
    `chance alone puts about ${asCount(ordinary)} there, so look at the farthest first. Distance counts half-widths of the interval from its middle: 1 is the edge.`;
  if (rows.length) {
    const many = SERIES.total > 1;
    const columns = [
      ...(many ? [{ name: "Series" }] : []),
      { name: "Time" },
      { name: "Value", numeric: true },
      { name: "Expected", numeric: true },
      { name: "Distance", numeric: true },
    ];
    const cells = rows.map((row) => [
      ...(many ? [seriesLink(row, "name")] : []),
      asTime(row.time, UNIT),
      asValue(row.value),
      `${asValue(row.lower)} to ${asValue(row.upper)}`,
      asFixed(row.score, 1),
    ]);
    byId("anomalies-table").replaceChildren(makeTable(columns, cells, "Values outside what was expected, the farthest first"));
  } else byId("anomalies-table").remove();
  show("anomalies");
}
