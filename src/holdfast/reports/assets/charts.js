// What all charts share: colours from the style sheet, layout, and drawing again when those change.

const CONFIG = {
  responsive: true,
  displaylogo: false,
  modeBarButtons: [["toImage", "zoom2d", "pan2d", "resetScale2d"]],
  plotlyServerURL: "",
  toImageButtonOptions: { format: "png", scale: 2, filename: "holdfast" },
};

// Okabe and Ito's colours, told apart by dash as well.
const MEMBER_STYLES = [
  { colour: "--member-1", dash: "solid" },
  { colour: "--member-2", dash: "dot" },
  { colour: "--member-3", dash: "dash" },
  { colour: "--member-4", dash: "dashdot" },
  { colour: "--member-5", dash: "longdash" },
  { colour: "--member-1", dash: "longdashdot" },
  { colour: "--member-2", dash: "2px,5px" },
  { colour: "--member-3", dash: "12px,3px" },
];

function colour(name) {
  return getComputedStyle(document.documentElement).getPropertyValue(name).trim();
}

function seeThrough(hex, share) {
  const [red, green, blue] = [1, 3, 5].map((place) => parseInt(hex.slice(place, place + 2), 16));
  return `rgba(${red}, ${green}, ${blue}, ${share})`;
}

function memberStyle(place) {
  const style = MEMBER_STYLES[place % MEMBER_STYLES.length];
  return { color: colour(style.colour), dash: style.dash, width: 1.4 };
}

function blendStyle() {
  return { color: colour("--blend"), width: 2.8 };
}

function historyStyle() {
  return { color: colour("--history"), width: 1.8 };
}

function pastStyle() {
  return { color: colour("--past"), dash: "dash", width: 1.8 };
}

function isNarrow() {
  return window.matchMedia("(max-width: 640px)").matches;
}

// plotly reads a little markup in texts; names are not meant to carry any.
function plainText(text) {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
}

function axisStyle(extra) {
  return {
    gridcolor: colour("--grid"),
    linecolor: colour("--line"),
    zerolinecolor: colour("--line"),
    tickfont: { color: colour("--muted"), size: 12 },
    automargin: true,
    separatethousands: true,
    minexponent: 6,
    showspikes: false,
    ...extra,
  };
}

// An axis along which the pointer reads values: a thin line marks where it is.
function readingAxis(extra) {
  return axisStyle({
    showgrid: false,
    showspikes: true,
    spikecolor: colour("--muted"),
    spikethickness: -1, // a negative thickness leaves out the light border around the line
    spikedash: "dot",
    ...extra,
  });
}

function timeAxis(extra) {
  return readingAxis({
    type: UNIT === "integer" ? "linear" : "date",
    hoverformat: UNIT === "integer" ? "d" : timePattern(UNIT),
    // A counter is often a year: 1940, not 1,940.
    ...(UNIT === "integer" ? { tickformat: "d" } : {}),
    ...extra,
  });
}

function axisTitle(text) {
  return { text, font: { size: 12, color: colour("--muted") }, standoff: 8 };
}

function baseLayout(extra) {
  return {
    font: { family: getComputedStyle(document.body).fontFamily, size: 13, color: colour("--ink") },
    paper_bgcolor: "rgba(0,0,0,0)",
    plot_bgcolor: "rgba(0,0,0,0)",
    margin: { l: 8, r: 12, t: 30, b: 8 },
    hovermode: "x unified",
    hoverlabel: {
      bgcolor: colour("--raised"),
      bordercolor: colour("--line"),
      font: { color: colour("--ink"), size: 13 },
    },
    dragmode: isNarrow() ? false : "zoom",
    showlegend: false,
    modebar: { bgcolor: "rgba(0,0,0,0)", color: colour("--muted"), activecolor: colour("--blend") },
    ...extra,
  };
}

const drawings = [];

// Draw now, and again whenever the colours or the kind of screen change.
function keepDrawn(draw, { now = true } = {}) {
  drawings.push(draw);
  if (now) draw();
}

for (const query of ["(prefers-color-scheme: dark)", "(max-width: 640px)"])
  window.matchMedia(query).addEventListener("change", () => drawings.forEach((draw) => draw()));

// A trace whose legend entry is its name.
function line(times, values, name, style, extra = {}) {
  return {
    type: "scatter",
    mode: values.length > 1 ? "lines" : "markers",
    x: times,
    y: values,
    name,
    legendgroup: name,
    visible: !isHidden(name),
    line: style,
    marker: { color: style.color, size: 7 },
    hovertemplate: "%{text}",
    text: values.map(asValue),
    ...extra,
  };
}
