// Builds every page that is made of sections: tables, figures, sentences, marked texts.

const DATA = JSON.parse(byId("holdfast-data").textContent);

let view = 0;
let scale = 0;
const figures = []; // what draws the figures of the sections that are shown

// A number as its column or line asks for: "count", "fixed3", "percent1", "value", "small", …
function written(value, form) {
  if (value === ENDLESS) return value;
  if (!isNumber(value)) return DASH;
  const [, kind, digits] = form.match(/^([a-z]+)(\d*)$/);
  return {
    count: () => asCount(value),
    plain: () => String(value),
    fixed: () => asFixed(value, Number(digits)),
    percent: () => asPercent(value, Number(digits)),
    seconds: () => asSeconds(value),
    value: () => asValue(value),
    small: () => asSmall(value),
  }[kind]();
}

function cellOf(cell, form) {
  if (cell === null) return DASH;
  if (typeof cell === "number" || cell === ENDLESS) return form ? written(cell, form) : String(cell);
  if (typeof cell === "string") return cell;
  if ("bar" in cell) return shareBar(cell.bar);
  if ("code" in cell) return make("code", { title: cell.title }, cell.code);
  const word = make("span", { class: cell.class.startsWith("mark") ? cell.class : `tag ${cell.class}` }, cell.tag);
  return cell.below ? make("span", { class: "outcome" }, word, make("small", {}, cell.below)) : word;
}

function tableOf({ columns, rows, caption }) {
  return makeTable(
    columns.map(([name, form], place) => ({ name, numeric: Boolean(form) && place > 0 })),
    rows.map((row) => {
      const { cells, bold } = Array.isArray(row) ? { cells: row } : row;
      return { className: bold ? "blend" : null, cells: cells.map((cell, place) => cellOf(cell, columns[place][1])) };
    }),
    caption,
  );
}

function shareBar(share) {
  const track = make("span", { class: "track", "aria-hidden": "true" }, make("span", { class: "bar" }));
  track.firstChild.style.width = `${100 * (share ?? 0)}%`;
  return make("span", { class: "weight" }, track, asPercent(share, 1));
}

function scrolled(table, label, extra = "") {
  return make("div", { class: `scroll ${extra}`.trim(), tabindex: "0", role: "region", "aria-label": label }, table);
}

// A <details> whose table is made when it is opened.
function folded(words, makeContent) {
  const details = make("details", { class: "numbers" }, make("summary", {}, words));
  details.ontoggle = () => {
    details.querySelector(".scroll")?.remove();
    if (details.open) details.append(scrolled(makeContent(), words));
  };
  return details;
}

const BLOCKS = {
  heading: ({ text }) => make("h3", {}, text),
  text: (block) => make("p", { class: block.class }, block.text),
  sentences: ({ items }) => make("ul", { class: "sentences" }, items.map((item) => make("li", {}, item))),
  definitions: ({ items }) => make("dl", { class: "definitions" }, items.flatMap(([word, meaning]) => [make("dt", {}, word), make("dd", {}, meaning)])),
  table: (block) => (block.fold ? folded(block.fold, () => tableOf(block)) : scrolled(tableOf(block), block.caption, block.wrap ? "wrap" : "")),
  columns: ({ parts }) => make("div", { class: "pair" }, parts.map((blocks) => make("div", {}, blocks.map(blockOf)))),
  shares: ({ parts }) =>
    make(
      "div",
      { class: "shares" },
      parts.map(([name, share]) => {
        const part = make("span", { class: name, title: `${asPercent(share, 1)} ${name}` }, share > 0.12 ? `${asPercent(share)} ${name}` : "");
        part.style.flex = String(share);
        return part;
      }),
    ),
  marked: markedText,
  tagged: ({ words }) =>
    make("p", { class: "tagged" }, words.map(([word, note, wrong]) => make("span", { class: wrong ? "mark4 against" : "" }, word, make("small", {}, note)))),
  marks: ({ marks }) => make("p", { class: "legends", role: "group", "aria-label": "What the marks mean" }, marks.flatMap(([level, words]) => [make("span", { class: markClass(level) }, words), " "])),
  figure: figureOf,
};

function blockOf(block) {
  return BLOCKS[block.kind](block);
}

function markClass(level) {
  return level ? `mark${Math.abs(level)}${level < 0 ? " against" : ""}` : "";
}

// A text whose pieces say more at the pointer; a finger has none, so a tap says it below.
function markedText({ pieces, heading, gap }) {
  const read = make("p", { class: "caption", "aria-live": "polite" });
  const text = make("pre", { class: "writing" });
  for (const [piece, level, title] of pieces) text.append(make("span", { class: markClass(level), title: title || null }, piece), gap);
  text.addEventListener("click", ({ target }) => {
    if (target.title) read.textContent = `“${target.textContent.trim() || "blank"}”: ${target.title}`;
  });
  return make("div", {}, heading ? make("h3", {}, heading) : null, text, read);
}

// Colours are names of the style sheet: "--blend".
function coloured(value, key = "") {
  if (Array.isArray(value)) return value.map((one) => coloured(one, key));
  if (value && typeof value === "object") return Object.fromEntries(Object.entries(value).map(([name, one]) => [name, coloured(one, name)]));
  return /color$/.test(key) && typeof value === "string" && value.startsWith("--") ? colour(value) : value;
}

function axisOf({ title, reading, ticks, scale: _, ...rest }) {
  const shown = ticks && isNarrow() && ticks.length > 6 ? ticks.filter((tick) => Number.isInteger(Math.log10(tick))) : ticks;
  const marks = shown ? { tickvals: shown, ticktext: shown.map((tick) => (Number.isInteger(tick) ? asCount(tick) : String(tick))) } : {};
  return (reading ? readingAxis : axisStyle)({ ...(title ? { title: axisTitle(title) } : {}), ...marks, ...coloured(rest) });
}

// On a logarithmic axis zero lies nowhere; what is smaller than this is drawn there.
const LEAST = 1e-99;

function tracesOf(one, logX, logY) {
  if (one.points) return [pointsOf(one)];
  const { name, x, y, low, high, style, form, group, back: _, hidden: byDefault, key: __, ...rest } = one;
  const kept = x.map((_, place) => place).filter((place) => !logX || x[place] > 0);
  const pick = (values) => kept.map((place) => (isNumber(values[place]) ? (logY ? Math.max(values[place], LEAST) : values[place]) : null));
  const at = kept.map((place) => x[place]);
  const look = coloured(style);
  const visible = !isHidden(group, byDefault);
  const edge = { type: "scatter", mode: "lines", x: at, line: { width: 0 }, hoverinfo: "skip", legendgroup: group, visible };
  const words = (place) => `${written(y[place], form)}${low ? ` (${written(low[place], form)} to ${written(high[place], form)})` : ""}`;
  return [
    ...(low ? [{ ...edge, y: pick(low) }, { ...edge, y: pick(high), fill: "tonexty", fillcolor: seeThrough(look.color, 0.13) }] : []),
    line(at, pick(y), plainText(name), look, { legendgroup: group, visible, text: kept.map(words), ...coloured(rest) }),
  ];
}

// Points by a number and a name.
function pointsOf({ name, points, marker }) {
  return {
    type: "scatter",
    mode: "markers",
    x: points.map(([value]) => value),
    y: points.map(([, label]) => label),
    marker: coloured(marker),
    hovertemplate: `${plainText(name)} %{x:.3f}<extra></extra>`,
  };
}

// Numbers behind a figure: side by side where all lines have the same places, else one below the other.
function numbersOf({ lines, numbers: [names, across, down] }) {
  const [first] = lines;
  const alike = lines.length > 1 && lines.every(({ x, low }) => !low && String(x) === String(first.x));
  const at = (value) => (typeof value === "string" ? value : Number.isInteger(value) ? asCount(value) : asSmall(value));
  if (alike)
    return makeTable(
      [{ name: across }, ...lines.map(({ name }) => ({ name, numeric: true }))],
      first.x.map((value, place) => [at(value), ...lines.map(({ y, form }) => written(y[place], form))]),
    );
  const bands = lines.some(({ low }) => low);
  return makeTable(
    [{ name: names }, { name: across, numeric: true }, { name: down, numeric: true }, ...(bands ? ["10 %", "90 %"].map((name) => ({ name, numeric: true })) : [])],
    lines.flatMap(({ name, x, y, low, high, form }) =>
      x.map((value, place) => [name, at(value), written(y[place], form), ...(bands ? [low, high].map((bound) => (bound ? written(bound[place], form) : DASH)) : [])]),
    ),
  );
}

function figureOf(block) {
  const { lines, axes, yaxis, layout, label, height, legend, numbers } = block;
  const chart = make("div", { class: height === "tall" ? "chart tall" : "chart", role: "figure", "aria-label": label });
  if (height && height !== "tall") chart.style.height = `${height}px`;
  const keys = make("div", { class: "legends", role: "group", "aria-label": "Lines of the chart" });
  const inOrder = [...lines.filter(({ back }) => back), ...lines.filter(({ back }) => !back)];
  const draw = () => {
    const xaxis = axes[Math.min(scale, axes.length - 1)];
    const traces = inOrder.flatMap((one) => tracesOf(one, xaxis.type === "log", yaxis.type === "log"));
    Plotly.react(chart, traces, baseLayout({ ...coloured(layout), xaxis: axisOf(xaxis), yaxis: axisOf(yaxis) }), CONFIG);
    if (legend) fillLegendOf(keys, chart, lines);
  };
  figures.push({ draw, chart });
  return make(
    "div",
    { class: "figure" },
    chart,
    legend ? keys : null,
    numbers ? folded("Numbers behind this chart", () => numbersOf(block)) : null,
  );
}

function fillLegendOf(keys, chart, lines) {
  const groups = new Map();
  for (const one of lines) if (!groups.has(one.group)) groups.set(one.group, one);
  const entries = [...groups.values()].sort((one, other) => Number(one.back) - Number(other.back));
  fillLegend(
    keys,
    chart,
    entries.map(({ group, style, back, hidden: byDefault, key }) => ({
      name: group,
      style: { ...coloured(style), ...(back ? { color: colour("--history") } : {}) },
      byDefault,
      fill: key ? colour(key) : null,
    })),
  );
  // A name that several figures show is shown or hidden in all of them.
  for (const button of keys.children)
    button.addEventListener("click", () => figures.filter((one) => one.chart !== chart).forEach(({ draw }) => draw()));
}

// Every figure with as many scales follows the choice.
function scaleButtons({ toggle: label, axes }) {
  const buttons = axes.map(({ scale: name }, place) =>
    make("button", {
      type: "button",
      "aria-pressed": String(place === scale),
      onclick: () => {
        scale = place;
        buttons.forEach((button, other) => button.setAttribute("aria-pressed", String(other === place)));
        figures.forEach(({ draw }) => draw());
      },
    }, name),
  );
  return make("div", { class: "segmented", role: "group", "aria-label": label }, buttons);
}

function cardOf({ name, title, caption, blocks }) {
  const heading = make("h2", { id: `${name}-title` }, title);
  const scaled = blocks.find(({ toggle }) => toggle);
  return make(
    "section",
    { class: "card", id: name, "aria-labelledby": `${name}-title` },
    scaled ? make("div", { class: "heading" }, heading, scaleButtons(scaled)) : heading,
    caption ? make("p", { class: "caption" }, caption) : null,
    blocks.map(blockOf),
  );
}

// The sections of the chosen view and those of all views, in order.
function fillPage() {
  figures.length = 0;
  const shown = DATA.sections.filter(({ view: of }) => of === null || of === view);
  const cards = [];
  for (const one of shown) {
    if (!one.beside || !cards.length) cards.push([cardOf(one)]);
    else cards[cards.length - 1].push(cardOf(one));
  }
  byId("main").replaceChildren(...cards.map((group) => (group.length > 1 ? make("div", { class: "pair" }, group) : group[0])));
  fillTerms("figures", DATA.terms[Math.min(view, DATA.terms.length - 1)] ?? []);
  byId("figures").hidden = !byId("figures").children.length;
  figures.forEach(({ draw }) => draw());
}

function fillViews() {
  if (DATA.views.length < 2) return;
  const buttons = DATA.views.map((name, place) =>
    make("button", {
      type: "button",
      class: "chip",
      "aria-pressed": String(place === view),
      onclick: () => {
        view = place;
        buttons.forEach((button, other) => button.setAttribute("aria-pressed", String(other === place)));
        fillPage();
      },
    }, name),
  );
  byId("view-chips").replaceChildren(...buttons);
  byId("view-bar").setAttribute("aria-label", DATA.views_label);
  show("view-bar");
}

fillSentences("sentences", DATA.sentences);
fillViews();
fillPage();
if (DATA.charts) keepDrawn(() => figures.forEach(({ draw }) => draw()), { now: false });
fillFooter(DATA.charts ? "Charts by plotly.js (MIT licence)." : "");
