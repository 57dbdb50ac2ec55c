// Puts the page of a comparison on tasks of a known lag together.

const DATA = JSON.parse(byId("holdfast-data").textContent);
let chosenTask = 0;

function modelStyle(place) {
  const styles = ["--history", "--member-1", "--member-4", "--member-3", "--blend", "--member-2", "--member-5"];
  const dashes = ["solid", "dash", "dot", "dashdot", "longdash", "5px,2px,1px,2px"];
  const style = { color: colour(styles[place % styles.length]), dash: dashes[place % dashes.length], width: 2 };
  return style.color === colour("--blend") ? { ...style, dash: "solid", width: 2.8 } : style;
}

function task() {
  return DATA.tasks[chosenTask];
}

function ticksOf(lags) {
  return { tickvals: lags, ticktext: lags.map(asCount) };
}

function models(cell) {
  return DATA.models.map((name, place) => ({ name, place, style: modelStyle(place), cells: task().cells[place] })).filter(({ cells }) => cells.some((one) => one && cell(one)));
}

function legendOf(id, chart, shown) {
  fillLegend(id, byId(chart), shown.map(({ name, style }) => ({ name, style })));
}

function drawSuccess() {
  const { lags, name: taskName } = task();
  const shown = models(() => true);
  byId("success-table").replaceChildren(
    makeTable(
      [{ name: "Model" }, ...lags.map((lag) => ({ name: `lag ${asCount(lag)}`, numeric: true }))],
      shown.map(({ name, cells }) => [
        name,
        ...cells.map((cell) => {
          if (!cell) return DASH;
          const share = cell.solved / cell.runs;
          const tag = make("span", { class: `tag ${share === 1 ? "good" : share > 0 ? "warn" : "none"}` }, `${cell.solved} of ${cell.runs}`);
          return make("span", { class: "outcome" }, tag, make("small", {}, cell.updates ? `${asCount(cell.updates)} updates` : `error ${asPercent(cell.error, 1)}`));
        }),
      ]),
      `Success on ${taskName} by model and lag`,
    ),
  );
  // Lines that lie on each other are moved apart by a hair.
  const apart = (place) => (place - (shown.length - 1) / 2) * 0.012;
  Plotly.react(
    "success-chart",
    shown.map(({ name, cells, style }, row) => {
      const places = lags.map((_, place) => place).filter((place) => cells[place]);
      return line(places.map((place) => lags[place]), places.map((place) => cells[place].solved / cells[place].runs + apart(row)), name, style, {
        mode: "lines+markers",
        text: places.map((place) => `${cells[place].solved} of ${cells[place].runs}`),
      });
    }),
    baseLayout({
      xaxis: readingAxis({ title: axisTitle("lag, steps"), type: "log", hoverformat: ",d", ...ticksOf(lags) }),
      yaxis: axisStyle({ title: axisTitle("share of seeds that solved it"), range: [-0.08, 1.08], tickvals: [0, 0.25, 0.5, 0.75, 1], ticktext: ["0 %", "25 %", "50 %", "75 %", "100 %"] }),
    }),
    CONFIG,
  );
  byId("success-chart").setAttribute("aria-label", `Success on ${taskName}. ${shown.map(({ name, cells }) => `${name}: ${lags.map((lag, place) => (cells[place] ? `${cells[place].solved} of ${cells[place].runs} at lag ${asCount(lag)}` : "")).filter(Boolean).join(", ")}`).join(". ")}.`);
  byId("success-caption").textContent = `Task: ${taskName}. Solved means: ${DATA.success}. In the chart, lines that lie on each other are moved apart by a hair.`;
  legendOf("success-legend", "success-chart", shown);
}

function drawUpdates() {
  const { lags, name: taskName } = task();
  const shown = models(({ updates }) => updates);
  byId("updates").hidden = !shown.length;
  if (!shown.length) return;
  Plotly.react(
    "updates-chart",
    shown.map(({ name, cells, style }) =>
      line(lags, cells.map((cell) => cell?.updates ?? null), name, style, { mode: "lines+markers", text: cells.map((cell) => (cell?.updates ? asCount(cell.updates) : DASH)) }),
    ),
    baseLayout({
      xaxis: readingAxis({ title: axisTitle("lag, steps"), type: "log", hoverformat: ",d", ...ticksOf(lags) }),
      yaxis: axisStyle({ title: axisTitle("updates"), type: "log", tickvals: [1, 3, 10, 30, 100, 300, 1000, 3000, 10000, 30000, 100000], ticktext: [1, 3, 10, 30, 100, 300, 1000, 3000, 10000, 30000, 100000].map(asCount) }),
    }),
    CONFIG,
  );
  byId("updates-chart").setAttribute("aria-label", `Median updates until success on ${taskName}. ${shown.map(({ name, cells }) => `${name}: ${lags.map((lag, place) => (cells[place]?.updates ? `${asCount(cells[place].updates)} at lag ${asCount(lag)}` : "")).filter(Boolean).join(", ")}`).join(". ")}.`);
  legendOf("updates-legend", "updates-chart", shown);
  fillNumbers("updates-numbers", () =>
    makeTable(
      [{ name: "Model" }, { name: "Lag", numeric: true }, { name: "Solved", numeric: true }, { name: "Median updates", numeric: true }, { name: "Updates at most", numeric: true }, { name: "Median error", numeric: true }],
      models(() => true).flatMap(({ name, cells }) =>
        cells.flatMap((cell, place) => (cell ? [[name, asCount(lags[place]), `${cell.solved} of ${cell.runs}`, asCount(cell.updates), asCount(cell.most), asPercent(cell.error, 2)]] : [])),
      ),
    ),
  );
}

function drawGradients() {
  const { gradients } = task();
  byId("gradients").hidden = !gradients;
  if (!gradients) return;
  const shown = DATA.models.map((name, place) => ({ name, style: modelStyle(place), ...gradients.curves[place] })).filter(({ before, after }) => before || after);
  for (const when of ["before", "after"]) {
    const curves = shown.filter((one) => one[when]);
    byId(`${when}-chart`).parentElement.hidden = !curves.length;
    if (!curves.length) continue;
    Plotly.react(
      `${when}-chart`,
      curves.flatMap((one) => lagTraces(one[when], one.name, one.style, { band: false })),
      baseLayout({ xaxis: lagAxis(), yaxis: logAxis("norm of the gradient", shown.flatMap((one) => [one.before, one.after]).filter(Boolean)) }),
      CONFIG,
    );
    byId(`${when}-chart`).setAttribute("aria-label", `Norm of the output's gradient by lag, ${when} training. ${curves.map((one) => lagWords(one.name, one[when])).join(". ")}.`);
  }
  byId("gradients-caption").textContent = `Norm of the gradient of the output at the end by the input k steps before, on the task with lag ${asCount(gradients.lag)}: the median over seeds. Where a line has fallen, nothing so far back can teach the network.`;
  // One legend for both charts: it hides a model in each.
  const entries = shown.map(({ name, style }) => ({ name, style }));
  fillLegend("gradients-legend", byId("before-chart"), entries);
  byId("gradients-legend").querySelectorAll("button").forEach((button, place) =>
    button.addEventListener("click", () => {
      const chart = byId("after-chart");
      const traces = (chart.data ?? []).map(({ legendgroup }, at) => (legendgroup === entries[place].name ? at : -1)).filter((at) => at >= 0);
      if (traces.length) Plotly.restyle(chart, { visible: !isHidden(entries[place].name) }, traces);
    }),
  );
  fillNumbers("gradients-numbers", () =>
    lagTable(shown.flatMap((one) => ["before", "after"].filter((when) => one[when]).map((when) => ({ name: `${one.name}, ${when}`, curve: one[when] }))), "Model"),
  );
}

function drawTask() {
  drawSuccess();
  drawUpdates();
  drawGradients();
}

function fillTasks() {
  if (DATA.tasks.length < 2) return;
  show("layer-bar");
  const buttons = DATA.tasks.map(({ name }, place) =>
    make("button", {
      type: "button",
      class: "chip",
      "aria-pressed": String(place === chosenTask),
      onclick: () => {
        chosenTask = place;
        buttons.forEach((button, other) => button.setAttribute("aria-pressed", String(other === place)));
        drawings.forEach((draw) => draw());
      },
    }, name),
  );
  byId("layer-chips").replaceChildren(...buttons);
}

function start() {
  fillSentences("findings", DATA.findings);
  fillTasks();
  if (DATA.tasks.length) keepDrawn(drawTask);
  else for (const id of ["success", "updates"]) byId(id).hidden = true;
  fillNumbers("runs-numbers", () =>
    makeTable(
      [{ name: "Task" }, { name: "Model" }, ...["Lag", "Seed", "Weights", "Updates", "Solved after", "Error", "Learning rate", "Seconds"].map((name) => ({ name, numeric: true }))],
      DATA.runs.map(([name, model, lag, seed, weights, updates, solved, error, rate, seconds]) => [
        name, DATA.models[model], asCount(lag), String(seed), asCount(weights), asCount(updates), asCount(solved), asPercent(error, 2), asSmall(rate), asFixed(seconds, 1),
      ]),
    ),
  );
  byId("facts").hidden = !DATA.facts.length;
  byId("facts-table").replaceChildren(makeTable([{ name: "What" }, { name: "How" }], DATA.facts, "What was equal for all"));
  fillFooter("Charts by plotly.js (MIT licence).");
}

start();
