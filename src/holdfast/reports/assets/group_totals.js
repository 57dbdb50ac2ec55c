// Totals of groups and periods, with intervals of their own: a chart and a table of the chosen group.

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
