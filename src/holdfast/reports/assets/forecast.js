// Puts the page of a forecast together.

function fillFigures() {
  const { summary, backtest } = DATA;
  const figures = [
    ["Series", asCount(SERIES.total), plural(summary.rows, "value", "values")],
    ["Horizon", plural(DATA.horizon, "step", "steps"), forecastSpan()],
    ["Frequency", summary.frequency.split(/[,(]/)[0].trim(), summary.season > 1 ? `season of ${asCount(summary.season)}` : "no season"],
  ];
  if (backtest) figures.push(...backtestFigures(backtest));
  figures.push(["Time taken", asSeconds(DATA.seconds), DATA.training.length ? `${asSeconds(DATA.training.reduce((sum, { seconds }) => sum + seconds, 0))} of it training` : null]);
  fillTerms("figures", figures);
}

function forecastSpan() {
  const places = SERIES.curves.filter((curves) => curves !== null);
  if (!places.length) return null;
  const ahead = pointsAt(places[0].f, DATA.horizon);
  if (!places.every(({ f }) => String(f) === String(places[0].f))) return "from each series' end";
  const [first, last] = [asTime(ahead[0], UNIT), asTime(ahead[ahead.length - 1], UNIT)];
  return first === last ? first : `${first} to ${last}`;
}

function backtestFigures({ methods, simple, coverage }) {
  const figures = [];
  const blend = methods.find(({ method }) => method === BLEND);
  const rival = methods.find(({ method }) => method === simple);
  const lowest = best(methods, ({ mase }) => mase);
  const winner = methods.find(({ mase }) => mase !== null && mase === lowest);
  if (winner) figures.push(["Best method", winner.method === BLEND ? "Holdfast" : winner.method, "lowest MASE, out of fold"]);
  if (blend && rival) {
    figures.push(["MASE", asFixed(blend.mase, 3), `${rival.method} ${asFixed(rival.mase, 3)}`]);
    figures.push(["sMAPE", asFixed(blend.smape, 2), `${rival.method} ${asFixed(rival.smape, 2)}`]);
  }
  const main = [...coverage].sort((a, b) => Math.abs(a.level - 90) - Math.abs(b.level - 90))[0];
  if (main) figures.push([`${main.level} % interval`, asPercent(main.coverage, 1), main.calibrated ? "of the truth fell inside" : "fell inside; not calibrated"]);
  return figures;
}

function lengths({ series, shortest, longest }) {
  if (shortest !== longest) return `${asCount(shortest)} to ${asCount(longest)} points each`;
  return `${plural(longest, "point", "points")}${series > 1 ? " each" : ""}`;
}

function fillUnderstood() {
  const { summary } = DATA;
  fillTerms("understood-facts", [
    ["Series", asCount(summary.series), lengths(summary)],
    ["From", summary.first],
    ["To", summary.last],
    ["Frequency", summary.frequency],
    ["Season", summary.season > 1 ? plural(summary.season, "point", "points") : "none"],
    ["Gaps", summary.gaps ? plural(summary.gaps, "point", "points") : "none", summary.gaps ? "kept as gaps" : null],
  ]);
  const unsaid = summary.unsaid ? [`… and ${asCount(summary.unsaid)} more messages.`] : [];
  fillSentences("messages", [...summary.messages, ...unsaid]);
}

function fillContents() {
  const names = {
    trust: "Trust",
    understood: "Understood",
    forecast: "Forecast",
    anomalies: "Surprises",
    scores: "Scores",
    intervals: "Intervals",
    steps: "By step",
    learning: "Learning",
    folds: "Folds",
    "group-totals": "Totals",
    totals: "Sum",
    series: "Series",
    trained: "Training",
    definitions: "Definitions",
  };
  const links = Object.entries(names).filter(([id]) => !byId(id).hidden);
  byId("contents").replaceChildren(...links.map(([id, name]) => make("a", { href: `#${id}` }, name)));
}

function setSpan(recent) {
  spanIsRecent = recent;
  byId("span-recent").setAttribute("aria-pressed", String(recent));
  byId("span-all").setAttribute("aria-pressed", String(!recent));
  drawForecast(chosen.index);
}

function start() {
  fillFigures();
  fillTrust(DATA.trust);
  fillUnderstood();
  if (DATA.backtest) {
    fillSentences("verdict-more", DATA.backtest.verdict);
    fillScores(DATA.backtest);
    fillCoverage(DATA.backtest);
    fillSteps(DATA.backtest);
    fillFolds(DATA.backtest);
  }
  fillLearning(DATA.training);
  fillTotals();
  fillGroupTotals(DATA.groups);
  fillAnomalies(DATA.anomalies);
  fillTrained(DATA.training, DATA.remarks);
  fillFooter("Charts by plotly.js (MIT licence).", [`seed ${DATA.seed}`]);
  fillContents();
  if (!SERIES.label.length) {
    byId("forecast").hidden = true;
    return;
  }
  setUpPicker();
  setUpSeriesTable();
  byId("span-recent").addEventListener("click", () => setSpan(true));
  byId("span-all").addEventListener("click", () => setSpan(false));
  chosen.listeners.push(describeChosen, drawForecast);
  drawings.push(() => drawForecast(chosen.index));
  choose(quickPicks()[0]?.[2] ?? 0);
}

start();
