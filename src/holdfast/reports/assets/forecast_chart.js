// The chart of one series: history, median, intervals, members, and what was forecast in the past.

const MOST_ABOVE = 3; // an interval may widen the view to this many times the range of the lines

const PAST = "Past forecasts";

let spanIsRecent = true;

function drawForecast(index) {
  const chart = byId("forecast-chart");
  const curves = curvesOf(index);
  const label = SERIES.label[index];
  for (const id of ["forecast-chart", "forecast-legend", "forecast-caption", "forecast-numbers"]) byId(id).hidden = !curves;
  byId("forecast-missing").hidden = Boolean(curves);
  if (!curves) {
    byId("span-choice").hidden = true;
    return;
  }
  const times = curves.times.map((point) => asPlotTime(point, UNIT));
  const ahead = curves.ahead.map((point) => asPlotTime(point, UNIT));
  const recent = recentRange(curves);
  const hasMore = curves.times.length > 0 && recent[0] > curves.times[0];
  byId("span-choice").hidden = !hasMore;
  const whole = [curves.times[0] ?? curves.ahead[0], recent[1]];
  const range = hasMore && spanIsRecent ? recent : whole;
  const slider = hasMore && !isNarrow();
  const layout = baseLayout({
    xaxis: timeAxis({
      range: range.map((point) => asPlotTime(point, UNIT)),
      ...(UNIT === "integer" && range[1] - range[0] < 12 ? { dtick: 1 } : {}),
      rangeslider: slider ? { visible: true, range: whole.map((point) => asPlotTime(point, UNIT)), thickness: 0.09, bgcolor: colour("--wash"), bordercolor: colour("--line"), borderwidth: 1, yaxis: { rangemode: "auto" } } : { visible: false },
    }),
    yaxis: axisStyle({ range: valueRange(curves, range), fixedrange: false }),
    shapes: curves.times.length ? [beginning(times[times.length - 1])] : [],
  });
  Plotly.react(chart, forecastTraces(curves, times, ahead), layout, CONFIG);
  chart.removeAllListeners?.("plotly_relayout");
  chart.on("plotly_relayout", (change) => fitValues(chart, curves, change));
  fillLegend("forecast-legend", chart, legendOf(curves));
  chart.setAttribute("aria-label", describe(label, curves));
  byId("forecast-caption").textContent = captionOf(curves);
  fillNumbers("forecast-numbers", () => forecastNumbers(curves));
}

function forecastTraces(curves, times, ahead) {
  const blend = colour("--blend");
  const anchor = lastPoint(curves);
  const from = anchor ? [times[anchor.place]] : [];
  const known = anchor ? [anchor.value] : [];
  const traces = [];
  [...curves.bands].reverse().forEach(({ level, lower, upper }, place) => {
    const up = [...known, ...upper];
    const down = [...known, ...lower];
    const x = [...from, ...ahead];
    const kept = x.map((_, step) => step).filter((step) => isNumber(up[step]) && isNumber(down[step]));
    const back = [...kept].reverse();
    traces.push({
      type: "scatter",
      mode: "lines",
      x: [...kept, ...back].map((step) => x[step]),
      y: [...kept.map((step) => up[step]), ...back.map((step) => down[step])],
      fill: "toself",
      fillcolor: bandColour(place),
      line: { width: 0, color: blend },
      name: bandName(level),
      legendgroup: bandName(level),
      visible: !isHidden(bandName(level)),
      hoverinfo: "skip",
    });
  });
  curves.members.forEach(({ name, values }, place) => {
    traces.push(line(ahead, values, plainText(name), memberStyle(place), { legendgroup: name, visible: !isHidden(name, true) }));
  });
  curves.past.forEach(({ times: pastTimes, values }) => {
    traces.push(
      line(pastTimes.map((point) => asPlotTime(point, UNIT)), values, PAST, pastStyle()),
    );
  });
  traces.push(line(times, curves.history, "History", historyStyle(), gapMarkers(curves.history)));
  if (curves.odd.length) traces.push(oddTrace(curves, times));
  traces.push({
    ...line([...from, ...ahead], [...known, ...curves.median], "Holdfast", blendStyle()),
    hoverinfo: "skip",
    hovertemplate: null,
  });
  traces.push({
    type: "scatter",
    mode: "markers",
    x: ahead,
    y: curves.median,
    name: "Holdfast",
    legendgroup: "Holdfast",
    visible: !isHidden("Holdfast"),
    marker: { color: blend, size: 5, opacity: ahead.length <= 36 ? 1 : 0 },
    text: curves.median.map((value, step) => hoverText(value, curves.bands, step)),
    hovertemplate: "%{text}",
  });
  return traces;
}

function bandName(level) {
  return `${level} % interval`;
}

// The widest interval is place 0; those inside it lie on top of it.
function bandColour(place) {
  return colour(`--band-${Math.min(place + 1, 4)}`);
}

// What the intervals look like where they lie on top of each other.
function stackedBands(count) {
  return Array.from({ length: count }, (_, place) => {
    const layers = Array.from({ length: place + 1 }, (_, under) => bandColour(under));
    return layers.map((layer) => `linear-gradient(${layer}, ${layer})`).join(", ");
  });
}

function legendOf(curves) {
  const fills = stackedBands(curves.bands.length);
  return [
    { name: "Holdfast", style: blendStyle() },
    ...curves.bands.map(({ level }, place) => ({ name: bandName(level), fill: fills[curves.bands.length - 1 - place] })),
    { name: "History", style: historyStyle() },
    ...(curves.odd.length ? [{ name: ODD, style: oddStyle(), ring: true }] : []),
    ...(curves.past.length ? [{ name: PAST, style: pastStyle() }] : []),
    ...curves.members.map(({ name }, place) => ({ name, style: memberStyle(place), byDefault: true })),
  ];
}

// A value between two gaps has no line to stand on.
function gapMarkers(values) {
  const alone = values.map((value, place) => value !== null && values[place - 1] == null && values[place + 1] == null);
  if (!alone.includes(true) || values.length < 2) return {};
  return { mode: "lines+markers", marker: { color: colour("--history"), size: alone.map((is) => (is ? 5 : 0)) } };
}

function hoverText(value, bands, step) {
  const intervals = bands.map(({ level, lower, upper }) => `<br>${level} %: ${asValue(lower[step])} to ${asValue(upper[step])}`);
  return `<b>${asValue(value)}</b>${intervals.join("")}`;
}

function beginning(time) {
  return { type: "line", x0: time, x1: time, yref: "paper", y0: 0, y1: 1, line: { color: colour("--line"), width: 1, dash: "dot" }, layer: "below" };
}

function lastPoint(curves) {
  const place = curves.history.length - 1;
  return place >= 0 && isNumber(curves.history[place]) ? { place, value: curves.history[place] } : null;
}

// The last part of the history and all of the forecast, as points of the axis.
function recentRange(curves) {
  const season = DATA.summary.season > 1 ? 3 * DATA.summary.season : 0;
  const points = Math.max(4 * curves.median.length, Math.min(season, 10 * curves.median.length), 40);
  const first = curves.times[Math.max(curves.times.length - points, 0)] ?? curves.ahead[0];
  const last = curves.ahead[curves.ahead.length - 1];
  return [first, last + Math.max(0.01 * (last - first), 1e-9)];
}

// The range of values inside a range of times: lines whole, intervals within reason.
function valueRange(curves, [first, last]) {
  let low = Infinity;
  let high = -Infinity;
  const take = (points, values) =>
    values.forEach((value, place) => {
      if (!isNumber(value) || points[place] < first || points[place] > last) return;
      low = Math.min(low, value);
      high = Math.max(high, value);
    });
  take(curves.times, curves.history);
  take(curves.ahead, curves.median);
  const reach = MOST_ABOVE * (high - low);
  const [floor, ceiling] = reach > 0 ? [low - reach, high + reach] : [-Infinity, Infinity];
  for (const { lower, upper } of curves.bands) {
    take(curves.ahead, lower.map((value) => (isNumber(value) ? Math.max(value, floor) : value)));
    take(curves.ahead, upper.map((value) => (isNumber(value) ? Math.min(value, ceiling) : value)));
  }
  if (low > high) return [0, 1];
  const room = 0.06 * (high - low) || 0.1 * Math.abs(high) || 1;
  return [low - room, high + room];
}

// After a move along the time axis the values fit again, unless the user zoomed in both directions.
function fitValues(chart, curves, change) {
  if (Object.keys(change).some((key) => key.startsWith("yaxis"))) return;
  if (!Object.keys(change).some((key) => key.startsWith("xaxis"))) return;
  const range = chart._fullLayout.xaxis.range.map((end) => fromPlotTime(end, UNIT));
  if (range.every(isNumber)) Plotly.relayout(chart, { "yaxis.range": valueRange(curves, range) });
}

function describe(label, curves) {
  const last = curves.median.length - 1;
  return `Forecast of ${label}: ${asValue(curves.median[0])} at ${asTime(curves.ahead[0], UNIT)}, ${asValue(curves.median[last])} at ${asTime(curves.ahead[last], UNIT)}. The numbers are in the table below the chart.`;
}

function captionOf(curves) {
  const total = curves.times.length;
  const parts = [`${plural(total, "point", "points")} of history shown.`];
  if (curves.brief) parts.push("In brief: members and past forecasts of this series had no room here.");
  if (curves.members.length) parts.push("Click a name to show or hide it; the members of the blend begin hidden.");
  return parts.join(" ");
}

function forecastNumbers(curves) {
  const columns = [
    { name: "Time" },
    { name: "Holdfast", numeric: true },
    ...curves.bands.flatMap(({ level }) => [
      { name: `${level} % low`, numeric: true },
      { name: `${level} % high`, numeric: true },
    ]),
    ...curves.members.map(({ name }) => ({ name, numeric: true })),
  ];
  const rows = curves.ahead.slice(0, 1000).map((point, step) => [
    asTime(point, UNIT),
    asValue(curves.median[step]),
    ...curves.bands.flatMap(({ lower, upper }) => [asValue(lower[step]), asValue(upper[step])]),
    ...curves.members.map(({ values }) => asValue(values[step])),
  ]);
  return makeTable(columns, rows, "Forecast of the chosen series");
}

// Marks at values of the past that were not expected.
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

// Totals of groups and periods, with intervals of their own.
function fillGroupTotals(sums) {
  if (!sums) return;
  const what = [sums.by ? `by ${sums.by}` : "", sums.over ? `over each ${sums.over}` : ""].filter(Boolean).join(", ");
  byId("group-totals-title").textContent = `Totals ${what}`;
  const unlisted = sums.unlisted ? ` ${asCount(sums.unlisted)} more are in totals.csv.` : "";
  byId("group-totals-caption").textContent = `Each total has an interval of its own, from sample paths in which errors of steps and series go together as they did in the past.${unlisted}`;
  const choice = byId("group-totals-choice");
  choice.replaceChildren(...sums.groups.map(({ label }, place) => make("option", { value: String(place) }, label)));
  choice.hidden = sums.groups.length < 2;
  choice.addEventListener("change", () => drawGroup(sums, Number(choice.value)));
  drawings.push(() => drawGroup(sums, Number(choice.value)));
  show("group-totals");
  drawGroup(sums, 0);
}

function drawGroup(sums, number) {
  const { label, rows } = sums.groups[number];
  const chart = byId("group-totals-chart");
  chart.hidden = rows.length < 2;
  if (rows.length > 1) {
    const x = rows.map(({ time }) => time);
    const traces = [...sums.levels].reverse().map((level, place) => {
      const bound = sums.levels.length - 1 - place;
      const kept = rows.map((_, step) => step).filter((step) => rows[step].bounds[bound].every(isNumber));
      return {
        type: "scatter",
        mode: "lines",
        x: [...kept, ...[...kept].reverse()].map((step) => x[step]),
        y: [...kept.map((step) => rows[step].bounds[bound][1]), ...[...kept].reverse().map((step) => rows[step].bounds[bound][0])],
        fill: "toself",
        fillcolor: bandColour(place),
        line: { width: 0, color: colour("--blend") },
        hoverinfo: "skip",
      };
    });
    const hover = rows.map(({ median, bounds }) => `<b>${asValue(median)}</b>${sums.levels.map((level, place) => `<br>${level} %: ${asValue(bounds[place][0])} to ${asValue(bounds[place][1])}`).join("")}`);
    traces.push({ ...line(x, rows.map(({ median }) => median), "Total", blendStyle()), mode: "lines+markers", visible: true, text: hover, marker: { color: colour("--blend"), size: 6 } });
    const dated = UNIT !== "integer";
    Plotly.react(chart, traces, baseLayout({ xaxis: readingAxis({ type: dated ? "date" : "linear" }), yaxis: axisStyle({}) }), CONFIG);
    const last = rows[rows.length - 1];
    chart.setAttribute("aria-label", `Totals of ${label}: ${asValue(rows[0].median)} at ${rows[0].time}, ${asValue(last.median)} at ${last.time}. The numbers are in the table below.`);
  }
  const noted = rows.some(({ note }) => note);
  const columns = [
    { name: sums.over ? `${sums.over[0].toUpperCase()}${sums.over.slice(1)} from` : "Time" },
    { name: "Median", numeric: true },
    { name: "Mean", numeric: true },
    ...sums.levels.flatMap((level) => [{ name: `${level} % low`, numeric: true }, { name: `${level} % high`, numeric: true }]),
    ...(noted ? [{ name: "Note" }] : []),
  ];
  const cells = rows.map(({ time, median, mean, bounds, note }) => [
    time,
    asValue(median),
    asValue(mean),
    ...bounds.flatMap(([lower, upper]) => [asValue(lower), asValue(upper)]),
    ...(noted ? [note] : []),
  ]);
  byId("group-totals-table").replaceChildren(makeTable(columns, cells, `Totals of ${label}`));
}
