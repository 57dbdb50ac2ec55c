// Legends outside the charts: they wrap on a phone, work by keyboard, and remember what is hidden.

const hidden = new Map(); // name → whether the user wants it hidden; members begin hidden

function isHidden(name, byDefault = false) {
  return hidden.get(name) ?? byDefault;
}

// One button a name, in an element or where an id says. `entries` are {name, style, byDefault, fill}; the traces of a name carry it
// as their legendgroup.
function fillLegend(id, chart, entries) {
  const legend = typeof id === "string" ? byId(id) : id;
  legend.replaceChildren(
    ...entries.map(({ name, style, byDefault = false, fill = null, ring = false }) => {
      const key = make("span", { class: fill ? "key area" : "key", "aria-hidden": "true" });
      if (fill) key.style.background = fill;
      else key.append(ring ? keyRing(style) : keyLine(style));
      const button = make("button", { type: "button", class: "legend", "aria-pressed": String(!isHidden(name, byDefault)) }, key, name);
      button.addEventListener("click", () => {
        hidden.set(name, !isHidden(name, byDefault));
        button.setAttribute("aria-pressed", String(!isHidden(name, byDefault)));
        const traces = chart.data.map(({ legendgroup }, place) => (legendgroup === name ? place : -1)).filter((place) => place >= 0);
        if (traces.length) Plotly.restyle(chart, { visible: !isHidden(name, byDefault) }, traces);
      });
      return button;
    }),
  );
}

const DASHES = { solid: "", dot: "2 3", dash: "6 4", dashdot: "6 3 2 3", longdash: "10 4" };

function keyLine({ color, dash = "solid", width }) {
  const stroke = makeSvg("line", { x1: 0, y1: 6, x2: 26, y2: 6, stroke: color, "stroke-width": Math.max(width, 2), "stroke-dasharray": DASHES[dash] });
  return makeSvg("svg", { viewBox: "0 0 26 12", width: 26, height: 12 }, stroke);
}

function keyRing({ color, width }) {
  const ring = makeSvg("circle", { cx: 13, cy: 6, r: 4.5, stroke: color, "stroke-width": width, fill: "none" });
  return makeSvg("svg", { viewBox: "0 0 26 12", width: 26, height: 12 }, ring);
}
