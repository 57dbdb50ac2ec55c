// Puts the page of a pretraining together.

const DATA = JSON.parse(byId("holdfast-data").textContent);
const NETWORKS = DATA.networks;

// Written out, because plotly writes 0.5 and 5 alike on such an axis.
const LOG_TICKS = [0.02, 0.05, 0.1, 0.2, 0.3, 0.5, 1, 2, 3, 5, 10, 20, 50, 100];

function networkStyle(place) {
  return place === 0 ? blendStyle() : { ...memberStyle(place - 1), width: 2.2 };
}

function ended({ stopped, steps, planned }) {
  if (stopped === "steps") return "carried out";
  return `${stopped} at ${asPercent(steps / planned)}`;
}

function fillFigures() {
  const seconds = NETWORKS.reduce((sum, one) => sum + one.seconds, 0);
  fillTerms("figures", [
    ["Networks", asCount(NETWORKS.length), NETWORKS.map(({ name }) => name).join(", ")],
    ["Training", asSeconds(seconds), [...new Set(NETWORKS.map(({ device }) => device))].join(", ")],
    ...NETWORKS.map(({ name, curve_loss: loss, steps }) => [
      `Loss of ${name}`, asFixed(loss[loss.length - 1], 4), `after ${plural(steps, "update", "updates")}`,
    ]),
  ]);
}

// One chart: `along` gives the places of a network's losses on the horizontal axis.
function drawCurves(id, title, along, writePlace) {
  const losses = NETWORKS.flatMap(({ curve_loss: loss }) => loss).filter((loss) => loss > 0);
  // The first updates lie far above everything else.
  const type = losses.length && Math.max(...losses) > 3 * Math.min(...losses) ? "log" : "linear";
  keepDrawn(() =>
    Plotly.react(
      `${id}-chart`,
      NETWORKS.map((one, place) =>
        line(along(one), one.curve_loss, one.name, networkStyle(place), {
          text: one.curve_loss.map((loss) => asFixed(loss, 4)),
        }),
      ),
      baseLayout({
        xaxis: readingAxis({ title: axisTitle(title), hoverformat: writePlace, rangemode: "tozero" }),
        yaxis: axisStyle({ title: axisTitle(`scaled pinball loss${type === "log" ? ", logarithmic" : ""}`), type, ...(type === "log" ? { tickvals: LOG_TICKS, ticktext: LOG_TICKS.map(String) } : {}) }),
      }),
      CONFIG,
    ),
  );
  byId(`${id}-chart`).setAttribute(
    "aria-label",
    `${title}: ${NETWORKS.map(({ name, curve_loss: loss }) => `${name} from ${asFixed(loss[0], 3)} to ${asFixed(loss[loss.length - 1], 3)}`).join("; ")}.`,
  );
  keepDrawn(() => fillLegend(`${id}-legend`, byId(`${id}-chart`), NETWORKS.map(({ name }, place) => ({ name, style: networkStyle(place) }))));
}

function hoursOf({ curve_steps: places, steps, seconds }) {
  return places.map((step) => (step / steps) * (seconds / 3600));
}

function fillNetworks() {
  const columns = [
    { name: "Network" },
    { name: "Weights", numeric: true },
    { name: "Updates", numeric: true },
    { name: "Plan" },
    { name: "Time", numeric: true },
    { name: "Last loss", numeric: true },
    { name: "Seed", numeric: true },
    { name: "Device" },
    { name: "sha256 of the weights" },
  ];
  const rows = NETWORKS.map((one) => [
    one.name,
    asCount(one.parameters),
    asCount(one.steps),
    ended(one),
    asSeconds(one.seconds),
    asFixed(one.curve_loss[one.curve_loss.length - 1], 4),
    String(one.seed),
    one.device,
    make("code", { title: one.sha256 }, `${one.sha256.slice(0, 16)}…`),
  ]);
  byId("networks-table").replaceChildren(makeTable(columns, rows, "Networks that were trained"));
}

function start() {
  fillFigures();
  drawCurves("step", "updates", ({ curve_steps: steps }) => steps, ",d");
  fillNumbers("step-numbers", () =>
    makeTable(
      [{ name: "Network" }, { name: "Update", numeric: true }, { name: "Hours", numeric: true }, { name: "Loss", numeric: true }],
      NETWORKS.flatMap((one) => {
        const hours = hoursOf(one);
        return one.curve_steps.map((step, place) => [one.name, asCount(step), asFixed(hours[place], 3), asFixed(one.curve_loss[place], 4)]);
      }),
    ),
  );
  drawCurves("hour", "hours", hoursOf, ".3f");
  fillNetworks();
  fillFooter("Charts by plotly.js (MIT licence).");
}

start();
