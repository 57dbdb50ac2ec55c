// The sections around the forecast: trust, scores, coverage, steps, learning, folds, anomalies, totals, training.

const VERDICTS = ["do not trust", "care", "trust"];

const verdictOf = (index) => (DATA.trust ? DATA.trust.verdicts[index] : null);

// One series to trust, and something to mind all the same: words say it better than a green mark.
const withReserve = (verdict) => SERIES.total === 1 && verdict === 2 && DATA.trust.common.length > 0;

function verdictTag(verdict) {
  return make("span", { class: `tag ${["grave", "warn", "good"][verdict]}` }, VERDICTS[verdict]);
}

// The name of a series, which chooses it where the page has a row for it.
function seriesLink({ at, label }, className) {
  if (at === null) return make("span", { class: className }, label);
  return make("button", { type: "button", class: className, onclick: () => chooseFromTable(at) }, label);
}

function fillTrust(trust) {
  if (!trust) return;
  const single = SERIES.total === 1;
  const [grave, care] = trust.counts;
  byId("trust-headline").replaceChildren(
    single && !withReserve(trust.verdicts[0]) ? verdictTag(trust.verdicts[0] ?? 2) : "",
    make("span", {}, single && grave + care ? trust.headline.slice(trust.headline.indexOf(":") + 2) : trust.headline),
  );
  if (!single && trust.doubted.length) {
    byId("trust-doubts").replaceChildren(
      ...trust.doubted.map((doubt) => make("li", {}, verdictTag(doubt.verdict), seriesLink(doubt, "name"), make("span", { class: "why" }, doubt.why))),
    );
    show("trust-doubts");
  }
  if (trust.unlisted) {
    byId("trust-more").textContent = `… and ${asCount(trust.unlisted)} more; column note of forecast.csv has them all.`;
    show("trust-more");
  }
  fillSentences("trust-common", trust.common);
  if (trust.hard.length) {
    byId("trust-hard").replaceChildren(
      ...trust.hard.map((hard) => make("span", {}, seriesLink(hard, "chip"), make("small", {}, ` MASE ${asFixed(hard.mase, 2)}`))),
    );
    show("trust-hard-part");
  }
  if (trust.rests_on.length) {
    fillSentences("trust-rests", trust.rests_on);
    show("trust-rests-part");
  }
  show("trust");
}

function best(rows, value) {
  const known = rows.map(value).filter(isNumber);
  return known.length ? Math.min(...known) : null;
}

function score(value, lowest, digits) {
  const text = asFixed(value, digits);
  return value !== null && value === lowest ? make("strong", { class: "best" }, text) : text;
}

function weightBar(weight, widest) {
  if (!isNumber(weight)) return DASH;
  const bar = make("span", { class: "bar", "aria-hidden": "true" });
  bar.style.width = `${(widest > 0 ? weight / widest : 0) * 100}%`;
  return make("span", { class: "weight" }, make("span", { class: "track" }, bar), asPercent(weight));
}

function fillScores({ methods }) {
  if (!methods.length) return;
  const lowestMase = best(methods, (row) => row.mase);
  const lowestSmape = best(methods, (row) => row.smape);
  const weighted = methods.some((row) => isNumber(row.weight));
  const widest = Math.max(...methods.map((row) => row.weight ?? 0));
  const columns = [
    { name: "Method" },
    { name: "MASE", numeric: true, hint: "Mean absolute scaled error" },
    { name: "sMAPE", numeric: true, hint: "0 to 200" },
    ...(weighted ? [{ name: "Weight in the blend" }] : []),
  ];
  const rows = methods.map((row) => ({
    className: row.method === BLEND ? "blend" : null,
    cells: [
      methodName(row.method),
      score(row.mase, lowestMase, 3),
      score(row.smape, lowestSmape, 2),
      ...(weighted ? [weightBar(row.weight, widest)] : []),
    ],
  }));
  byId("scores-table").replaceChildren(makeTable(columns, rows, "Scores of each method, the best of each column marked"));
  show("scores");
}

function fillCoverage({ coverage }) {
  if (!coverage.length) return;
  const columns = [
    { name: "Interval" },
    { name: "Fell inside", numeric: true },
    { name: "Mean width", numeric: true, hint: "In units of the in-sample seasonal naive error" },
    { name: "Scores behind it", numeric: true },
    { name: "Calibration" },
  ];
  const rows = coverage.map((row) => [
    `${row.level} %`,
    asPercent(row.coverage, 1),
    asFixed(row.width, 2),
    asCount(row.scores),
    row.calibrated
      ? make("span", { class: "tag good" }, "calibrated")
      : make("span", { class: "tag warn" }, `not calibrated: needs ${asCount(row.needed)} scores`),
  ]);
  byId("coverage-table").replaceChildren(makeTable(columns, rows, "Coverage of each interval"));
  show("intervals");
}

function stepLayout(count, extra) {
  return baseLayout({
    xaxis: readingAxis({ title: axisTitle("steps ahead"), range: [0.5, count + 0.5], tickformat: "d", nticks: Math.min(count, 13) }),
    yaxis: axisStyle({ ...extra }),
  });
}

function fillSteps({ step_mase: error, step_coverage: coverage }) {
  if (error.length < 2) return;
  show("steps");
  const steps = error.map((_, place) => place + 1);
  keepDrawn(() =>
    Plotly.react("step-mase-chart", [line(steps, error, "Holdfast", { color: colour("--blend"), width: 2.6 }, { text: error.map((value) => asFixed(value, 3)) })],
      stepLayout(steps.length, { title: axisTitle("MASE"), rangemode: "tozero" }), CONFIG),
  );
  byId("step-mase-chart").setAttribute("aria-label", `MASE by step ahead: ${asFixed(error[0], 2)} at step 1, ${asFixed(error[error.length - 1], 2)} at step ${error.length}.`);
  fillNumbers("step-mase-numbers", () => makeTable([{ name: "Step" }, { name: "MASE", numeric: true }], error.map((value, place) => [String(place + 1), asFixed(value, 3)])));
  byId("step-inside").hidden = !coverage.length;
  if (!coverage.length) return;
  keepDrawn(() => {
    const chart = byId("step-coverage-chart");
    const yaxis = { title: axisTitle("inside"), tickformat: ".0%", range: [lowestShare(coverage), 1.02] };
    Plotly.react(chart, coverageTraces(steps, coverage), stepLayout(steps.length, yaxis), CONFIG);
    fillLegend("step-coverage-legend", chart, coverage.map(({ level }, place) => ({ name: `inside ${level} %`, style: levelStyle(place) })));
  });
  byId("step-coverage-chart").setAttribute("aria-label", `Share inside the interval by step ahead, for ${coverage.map(({ level }) => `${level} %`).join(", ")}.`);
  fillNumbers("step-coverage-numbers", () =>
    makeTable(
      [{ name: "Step" }, ...coverage.map(({ level }) => ({ name: `${level} %`, numeric: true }))],
      steps.map((step) => [String(step), ...coverage.map(({ share }) => asPercent(share[step - 1], 1))]),
    ),
  );
}

function levelStyle(place) {
  return { color: colour(["--blend", "--member-2", "--member-3", "--member-1"][place % 4]), width: 2.2 };
}

function coverageTraces(steps, coverage) {
  return coverage.flatMap(({ level, share }, place) => {
    const name = `inside ${level} %`;
    const nominal = { ...levelStyle(place), width: 1, dash: "dot" };
    return [
      line(steps, share, name, levelStyle(place), { text: share.map((value) => asPercent(value, 1)) }),
      line([0.5, steps.length + 0.5], [level / 100, level / 100], name, nominal, { mode: "lines", hoverinfo: "skip", hovertemplate: null }),
    ];
  });
}

function lowestShare(coverage) {
  const lowest = Math.min(...coverage.flatMap(({ level, share }) => [level / 100, ...share.filter(isNumber)]));
  return Math.max(0, Math.floor(10 * (lowest - 0.1)) / 10);
}

function fillLearning(trainings) {
  const curves = trainings.filter(({ curve_steps: steps }) => steps.length > 1);
  if (!curves.length) return;
  show("learning");
  keepDrawn(() =>
    Plotly.react(
      "learning-chart",
      curves.map(({ member, curve_steps: steps, curve_loss: loss }, place) =>
        line(steps, loss, member, levelStyle(place), { text: loss.map((value) => asFixed(value, 4)) }),
      ),
      baseLayout({ xaxis: readingAxis({ title: axisTitle("updates") }), yaxis: axisStyle({ title: axisTitle("scaled pinball loss") }), showlegend: curves.length > 1 }),
      CONFIG,
    ),
  );
  const said = curves.map(({ member, curve_loss: loss }) => `${member} from ${asFixed(loss[0], 3)} to ${asFixed(loss[loss.length - 1], 3)}`);
  byId("learning-chart").setAttribute("aria-label", `Training loss by update: ${said.join(", ")}.`);
  const columns = [{ name: "Network" }, { name: "Update", numeric: true }, { name: "Loss", numeric: true }];
  const rows = curves.flatMap(({ member, curve_steps: steps, curve_loss: loss }) => steps.map((step, place) => [member, asCount(step), asFixed(loss[place], 4)]));
  fillNumbers("learning-numbers", () => makeTable(columns, rows));
}

function fillFolds({ folds, methods }) {
  if (!folds.length) return;
  const names = methods.map(({ method }) => method).filter((method) => folds.some(({ smape }) => method in smape));
  const levels = [...new Set(folds.flatMap(({ coverage }) => coverage.map(({ level }) => level)))].sort((a, b) => a - b);
  const columns = [
    { name: "Cut-off" },
    { name: "Series", numeric: true },
    { name: "Values", numeric: true },
    ...names.map((method) => ({ name: method === BLEND ? "Holdfast" : method, numeric: true })),
    ...levels.map((level) => ({ name: `inside ${level} %`, numeric: true })),
  ];
  const rows = folds.map((fold) => {
    const lowest = best(names, (method) => fold.smape[method] ?? null);
    return [
      fold.cutoff,
      asCount(fold.series),
      asCount(fold.points),
      ...names.map((method) => score(fold.smape[method] ?? null, lowest, 2)),
      ...levels.map((level) => asPercent(fold.coverage.find((inside) => inside.level === level)?.share)),
    ];
  });
  byId("folds-table").replaceChildren(makeTable(columns, rows, "sMAPE and coverage of each fold"));
  show("folds");
}

function fillTotals() {
  if (SERIES.total < 2) return;
  show("totals");
  const caption = byId("totals-caption");
  if (!DATA.totals) {
    caption.textContent = "Not shown: the series end at different times, so their sum would mix times.";
    byId("totals-chart").remove();
    byId("totals-legend").remove();
    byId("totals-numbers").remove();
    return;
  }
  const history = unpack(DATA.totals.h);
  const counted = unpack(DATA.totals.n);
  const median = unpack(DATA.totals.m);
  const times = pointsAt(DATA.totals.t, history.length);
  const ahead = pointsAt(DATA.totals.f, median.length);
  caption.textContent =
    "The sum over all series, for amounts that add up; the forecast is the sum of medians, which is not the median of the sum, so it carries no interval. " +
    "A series counts from its first value on; gaps are bridged by straight lines.";
  keepDrawn(() => {
    const x = ahead.map((point) => asPlotTime(point, UNIT));
    const past = times.map((point) => asPlotTime(point, UNIT));
    const traces = [
      line(past, history, "History", historyStyle(), { text: history.map((value, place) => `${asValue(value)} (${plural(counted[place], "series", "series")})`) }),
      ...DATA.totals.x.map((curve, place) => line(x, unpack(curve), plainText(DATA.members[place]), memberStyle(place), { legendgroup: DATA.members[place], visible: !isHidden(DATA.members[place], true) })),
      line(x, median, "Sum of medians", blendStyle()),
    ];
    const first = times[Math.max(times.length - Math.max(4 * ahead.length, 40), 0)];
    const xaxis = timeAxis({ range: [asPlotTime(first, UNIT), x[x.length - 1]] });
    const shown = history.filter((_, place) => times[place] >= first).concat(median).filter(isNumber);
    const room = 0.08 * (Math.max(...shown) - Math.min(...shown)) || 1;
    const chart = byId("totals-chart");
    Plotly.react(chart, traces, baseLayout({ xaxis, yaxis: axisStyle({ range: [Math.min(...shown) - room, Math.max(...shown) + room] }) }), CONFIG);
    fillLegend("totals-legend", chart, [
      { name: "Sum of medians", style: blendStyle() },
      { name: "History", style: historyStyle() },
      ...DATA.members.map((name, place) => ({ name, style: memberStyle(place), byDefault: true })),
    ]);
  });
  byId("totals-chart").setAttribute("aria-label", `Sum over all series: ${asValue(history[history.length - 1])} at the end of the history, ${asValue(median[median.length - 1])} at the end of the forecast.`);
  fillNumbers("totals-numbers", () => makeTable([{ name: "Time" }, { name: "Sum of medians", numeric: true }], ahead.map((point, place) => [asTime(point, UNIT), asValue(median[place])])));
}

const ENDINGS = {
  budget: "the time budget was used",
  steps: "the asked number of steps was done",
  early: "it had stopped improving",
  interrupted: "it was interrupted",
};

const WAYS = {
  Adapted: "the pretrained LSTM, fine-tuned on these series",
  LSTM: "trained on these series alone, and averaged",
};

function fillTrained(trainings, remarks) {
  const facts = trainings.flatMap((training) => [
    [training.member, plural(training.networks, "network", "networks"), WAYS[training.member] ?? null],
    ["Weights", asCount(training.parameters), "in each network"],
    ["Size", `${training.layers} × ${training.hidden}`, "LSTM layers × units"],
    ["Context", asCount(training.context), `points seen, in blocks of ${training.patch}`],
    ["Updates", asCount(training.steps), "of each network"],
    ["Training time", asSeconds(training.seconds), `ended because ${ENDINGS[training.stopped] ?? training.stopped}`],
  ]);
  const nothing = ["On these series", "nothing", "the pretrained LSTM and simple methods made the forecast"];
  fillTerms("trained-facts", facts.length ? facts : [nothing]);
  fillSentences("trained-remarks", remarks);
}

function fillAnomalies(anomalies) {
  if (!anomalies) return;
  const { level, scored, count, calibrated, rows } = anomalies;
  const ordinary = Math.max(Math.round((1 - level / 100) * scored), 0);
  byId("anomalies-caption").textContent =
    `${asCount(count)} of ${plural(scored, "value", "values")} lie outside what was expected one step before, by ${level} % intervals` +
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
