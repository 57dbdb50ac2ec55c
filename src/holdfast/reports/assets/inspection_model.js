// Charts of the model as a whole: what its output rests on, and what the past is worth to it.

function drawAttribution() {
  const { attribution: now, attribution_before: before } = DATA;
  if (!now?.curve) return;
  show("attribution");
  const style = blendStyle();
  keepDrawn(() => {
    Plotly.react(
      "attribution-chart",
      [
        ...(before?.curve ? lagTraces(before.curve, BEFORE, beforeStyle(historyStyle()), { band: false, logValues: false }) : []),
        ...lagTraces(now.curve, "share of the attribution", style, { logValues: false }),
      ],
      baseLayout({ xaxis: lagAxis(), yaxis: axisStyle({ title: axisTitle("share"), rangemode: "tozero", tickformat: ".1~%" }) }),
      CONFIG,
    );
    fillLegend("attribution-legend", byId("attribution-chart"), [
      { name: "share of the attribution", style },
      ...(before?.curve ? [{ name: BEFORE, style: beforeStyle(historyStyle()) }] : []),
    ]);
  });
  byId("attribution-caption").textContent = `Share of each lag in the attribution of the output to the inputs, by integrated gradients in ${asCount(now.steps)} steps; shaded from the 10 % to the 90 % quantile. Completeness: attributions miss the output's difference from its baseline by ${now.completeness < 1e-6 ? "less than 0.0001\u00a0%" : asPercent(now.completeness, now.completeness < 0.001 ? 4 : 2)}${now.completeness > 0.05 ? ", which is much: read this chart with care" : ""}.`;
  byId("attribution-chart").setAttribute("aria-label", `${lagWords("Share of the attribution", now.curve)}.`);
  fillNumbers("attribution-numbers", () =>
    lagTable([{ name: "share", curve: now.curve }, ...(before?.curve ? [{ name: `share, ${BEFORE}`, curve: before.curve }] : [])], "Attribution"),
  );
}

function drawContext() {
  const { context, context_before: before } = DATA;
  if (!context?.lags.length) return;
  show("context");
  const styles = { removed: blendStyle(), shuffled: { ...memberStyle(0), dash: "dash", width: 2 }, whole: { ...memberStyle(1), dash: "longdash", width: 1.6 } };
  const band = {
    lags: context.lags,
    median: context.removed,
    low: context.removed.map((value, place) => (isNumber(value) ? value - 2 * (context.spread[place] ?? 0) : null)),
    high: context.removed.map((value, place) => (isNumber(value) ? value + 2 * (context.spread[place] ?? 0) : null)),
  };
  keepDrawn(() => {
    const ends = [Math.min(...context.lags.filter((lag) => lag > 0 || lagScale !== "log")), Math.max(...context.lags)];
    Plotly.react(
      "context-chart",
      [
        ...lagTraces(band, "removed", styles.removed, { logValues: false }).map((trace) => (trace.text ? { ...trace, text: context.lags.filter((lag) => lagScale !== "log" || lag > 0).map((lag) => asFixed(context.removed[context.lags.indexOf(lag)], 4)) } : trace)),
        ...lagTraces({ lags: context.lags, median: context.shuffled, low: [], high: [] }, "shuffled", styles.shuffled, { logValues: false, band: false }),
        ...(before ? lagTraces({ lags: before.lags, median: before.removed }, BEFORE, beforeStyle(historyStyle()), { logValues: false, band: false, byDefault: true }) : []),
        line(ends, [context.whole, context.whole], "all of the past", styles.whole, { hoverinfo: "skip", hovertemplate: null, mode: "lines" }),
      ],
      baseLayout({
        xaxis: lagAxis({ title: axisTitle("steps that were left as they are") }),
        yaxis: axisStyle({ title: axisTitle(context.unit || "loss") }),
        shapes: context.effective ? [{ type: "line", yref: "paper", y0: 0, y1: 1, x0: context.effective, x1: context.effective, line: { color: colour("--muted"), width: 1, dash: "dash" } }] : [],
      }),
      CONFIG,
    );
    fillLegend("context-legend", byId("context-chart"), [
      { name: "removed", style: styles.removed },
      { name: "shuffled", style: styles.shuffled },
      { name: "all of the past", style: styles.whole },
      ...(before ? [{ name: BEFORE, style: beforeStyle(historyStyle()), byDefault: true }] : []),
    ]);
  });
  const worth = context.effective
    ? `Beyond ${plural(context.effective, "step", "steps")} the loss gains nothing more (dashed line).`
    : "Even the longest context that was left is worse than all of the past: the model uses what lies further back.";
  byId("context-caption").textContent = `The loss when everything older than so many steps is replaced by the mean input, or put in another order; shaded: two standard errors of the difference from all of the past. ${worth}`;
  const last = context.lags.length - 1;
  byId("context-chart").setAttribute(
    "aria-label",
    `Loss by context: ${asFixed(context.removed[0], 4)} with ${plural(context.lags[0], "step", "steps")}, ${asFixed(context.removed[last], 4)} with ${plural(context.lags[last], "step", "steps")}, ${asFixed(context.whole, 4)} with all. ${worth}`,
  );
  fillNumbers("context-numbers", () =>
    makeTable(
      [{ name: "Steps left" }, { name: "Removed", numeric: true }, { name: "Shuffled", numeric: true }, { name: "Standard error", numeric: true }, { name: "All of the past", numeric: true }],
      context.lags.map((lag, place) => [asCount(lag), asFixed(context.removed[place], 4), asFixed(context.shuffled[place], 4), asSmall(context.spread[place]), asFixed(context.whole, 4)]),
    ),
  );
}
