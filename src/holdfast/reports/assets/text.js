// Puts the page of a language model's training together.

const DATA = JSON.parse(byId("holdfast-data").textContent);
const CURVES = DATA.curves.filter(({ steps }) => steps.length);

function curveStyle(place) {
  return place === 0 ? { ...memberStyle(0), width: 2.2 } : blendStyle();
}

function fillFigures() {
  const { score } = DATA;
  fillTerms("figures", [
    ["Surprise", `${asFixed(score.nats, 3)} nats`, "a token, on the held-out text"],
    ["By character", `${asFixed(score.bits_per_character, 3)} bits`, "whatever a token is"],
    ["Perplexity", asFixed(score.perplexity, 2), `a token; ${asFixed(score.perplexity_per_word, 1)} a word`],
    ["Training", asSeconds(DATA.seconds), "from start to end"],
  ]);
}

function drawCurves() {
  const losses = CURVES.flatMap(({ loss }) => loss);
  keepDrawn(() =>
    Plotly.react(
      "curve-chart",
      CURVES.map((one, place) =>
        line(one.steps, one.loss, one.name, curveStyle(place), { text: one.loss.map((loss) => asFixed(loss, 4)) }),
      ),
      baseLayout({
        xaxis: readingAxis({ title: axisTitle("updates"), hoverformat: ",d", rangemode: "tozero" }),
        // The first updates lie far above everything else.
        yaxis: axisStyle({ title: axisTitle("nats a token"), range: [Math.min(...losses) * 0.96, Math.min(Math.max(...losses), Math.min(...losses) * 2.2)] }),
      }),
      CONFIG,
    ),
  );
  byId("curve-chart").setAttribute(
    "aria-label",
    `Loss by update: ${CURVES.map(({ name, loss }) => `${name} from ${asFixed(loss[0], 3)} to ${asFixed(loss[loss.length - 1], 3)}`).join("; ")}.`,
  );
  keepDrawn(() => fillLegend("curve-legend", byId("curve-chart"), CURVES.map(({ name }, place) => ({ name, style: curveStyle(place) }))));
}

function start() {
  fillFigures();
  if (CURVES.length) drawCurves();
  fillNumbers("curve-numbers", () =>
    makeTable(
      [{ name: "Curve" }, { name: "Update", numeric: true }, { name: "Nats", numeric: true }],
      CURVES.flatMap((one) => one.steps.map((step, place) => [one.name, asCount(step), asFixed(one.loss[place], 4)])),
    ),
  );
  byId("sample-text").textContent = DATA.sample;
  byId("facts-table").replaceChildren(makeTable([{ name: "What" }, { name: "How" }], DATA.facts, "Facts of the training"));
  fillFooter("Charts by plotly.js (MIT licence).");
}

start();
