// Choosing a series: search, previous and next, quick choices, and the table of all series.

const MOST_OPTIONS = 50;

const chosen = { index: 0, listeners: [] };

function choose(index) {
  if (index < 0 || index >= SERIES.label.length) return;
  chosen.index = index;
  chosen.listeners.forEach((listener) => listener(index));
}

// Names that begin with the text first, then those that contain it.
function matching(text) {
  const wanted = text.trim().toLowerCase();
  const begins = [];
  const contains = [];
  SERIES.label.forEach((label, index) => {
    const place = label.toLowerCase().indexOf(wanted);
    if (place === 0) begins.push(index);
    else if (place > 0) contains.push(index);
  });
  return begins.concat(contains);
}

// The largest, hardest, easiest and most typical of the series that have a curve.
function quickPicks() {
  const drawn = SERIES.label.map((_, index) => index).filter((index) => SERIES.curves[index]);
  const scored = drawn.filter((index) => isNumber(SERIES.mase[index])).sort((a, b) => SERIES.mase[a] - SERIES.mase[b]);
  const sized = drawn.filter((index) => isNumber(SERIES.mean[index])).sort((a, b) => Math.abs(SERIES.mean[a]) - Math.abs(SERIES.mean[b]));
  return [
    ["Largest", "highest mean forecast", sized[sized.length - 1]],
    ["Typical", "median MASE", scored[Math.floor(scored.length / 2)]],
    ["Hardest", "highest MASE", scored[scored.length - 1]],
    ["Easiest", "lowest MASE", scored[0]],
  ].filter(([, , index]) => index !== undefined);
}

function setUpPicker() {
  if (SERIES.label.length < 2) return;
  show("picker");
  const input = byId("series-search");
  const list = byId("series-options");
  let options = [];
  let active = -1;

  const close = () => {
    list.hidden = true;
    active = -1;
    input.setAttribute("aria-expanded", "false");
    input.removeAttribute("aria-activedescendant");
  };
  const take = (index) => {
    close();
    input.value = "";
    choose(index);
  };
  const mark = (place) => {
    active = options.length ? (place + options.length) % options.length : -1;
    [...list.querySelectorAll("[role=option]")].forEach((option, number) => {
      option.setAttribute("aria-selected", String(number === active));
      if (number === active) option.scrollIntoView({ block: "nearest" });
    });
    if (active >= 0) input.setAttribute("aria-activedescendant", `series-option-${active}`);
  };
  const open = () => {
    const found = matching(input.value);
    options = found.slice(0, MOST_OPTIONS);
    list.replaceChildren(
      ...options.map((index, number) =>
        make(
          "li",
          {
            id: `series-option-${number}`,
            role: "option",
            "aria-selected": "false",
            // Before the input loses its focus, which closes the list.
            onmousedown: (event) => {
              event.preventDefault();
              take(index);
            },
          },
          SERIES.label[index],
        ),
      ),
    );
    const rest = found.length - options.length;
    if (!found.length || rest > 0)
      list.append(make("li", { class: "more", role: "presentation" }, found.length ? `… and ${asCount(rest)} more` : "No series has this in its name"));
    list.hidden = false;
    input.setAttribute("aria-expanded", "true");
    mark(input.value.trim() && options.length ? 0 : -1);
    if (!input.value.trim()) active = -1;
  };

  input.addEventListener("input", open);
  input.addEventListener("focus", open);
  input.addEventListener("click", () => list.hidden && open());
  input.addEventListener("blur", close);
  input.addEventListener("keydown", (event) => {
    if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      event.preventDefault();
      if (list.hidden) open();
      mark(event.key === "ArrowDown" ? active + 1 : Math.max(active, 0) - 1);
    } else if (event.key === "Enter" && active >= 0 && !list.hidden) {
      event.preventDefault();
      take(options[active]);
    } else if (event.key === "Escape") {
      close();
    }
  });
  const count = SERIES.label.length;
  byId("previous-series").addEventListener("click", () => choose((chosen.index + count - 1) % count));
  byId("next-series").addEventListener("click", () => choose((chosen.index + 1) % count));
  const chips = quickPicks().map(([name, meaning, index]) =>
    make("button", { type: "button", class: "chip", title: `The series of ${meaning}`, "data-index": index, onclick: () => choose(index) }, name),
  );
  byId("quick-picks").replaceChildren(...chips);
  chosen.listeners.push((index) => {
    for (const chip of chips) chip.setAttribute("aria-pressed", String(Number(chip.dataset.index) === index));
    input.placeholder = `Find one of ${asCount(SERIES.label.length)} series …`;
  });
}

// Name, facts and note of the chosen series, above its chart.
function describeChosen(index) {
  byId("series-name").textContent = SERIES.label[index];
  const facts = [`last value ${asValue(SERIES.last[index])}`, `mean of the forecast ${asValue(SERIES.mean[index])}`];
  if (isNumber(SERIES.change[index])) facts[1] += ` (${asChange(SERIES.change[index])} on the last ${DATA.horizon})`;
  if (isNumber(SERIES.mase[index])) facts.push(`MASE ${asFixed(SERIES.mase[index], 2)}, seasonal naive ${asFixed(SERIES.naive[index], 2)}`);
  facts.push(`made by ${methodName(methodOf(index))}`);
  byId("series-facts").replaceChildren(...facts.map((fact) => make("span", {}, fact)));
  const verdict = verdictOf(index);
  byId("series-note").replaceChildren(noteOf(index));
  byId("series-note").className = verdict === null || verdict < 2 ? "notice" : "caption";
  byId("series-note").hidden = !noteOf(index);
  if (verdict !== null && !withReserve(verdict)) byId("series-name").append(" ", verdictTag(verdict));
}

const ROWS_A_PAGE = 100;

const SERIES_COLUMNS = [
  { name: "Series", value: (index) => SERIES.label[index], text: true },
  { name: "Shape", hint: "The end of the history and the forecast" },
  { name: "Last value", value: (index) => SERIES.last[index], write: asValue },
  { name: "Mean forecast", value: (index) => SERIES.mean[index], write: asValue, hint: "Mean of the median over the horizon" },
  { name: "Change", value: (index) => SERIES.change[index], write: asChange, hint: "Mean forecast against the mean of as many last values" },
  { name: "MASE", value: (index) => SERIES.mase[index], write: (value) => asFixed(value, 2), backtest: true, hint: "Out of fold" },
  { name: "vs seasonal naive", value: againstNaive, write: asChange, backtest: true, hint: "MASE against seasonal naive's: negative is better" },
  { name: "Trust", value: (index) => verdictOf(index), trust: true, hint: "How far to trust it; the note says why" },
  { name: "Method", value: methodOf, text: true },
  { name: "Note", value: noteOf, text: true },
];

const table = { column: null, descending: false, page: 0, filter: "" };

function setUpSeriesTable() {
  const columns = SERIES_COLUMNS.filter(({ backtest, trust }) => (DATA.backtest || !backtest) && (DATA.trust || !trust));
  const listed = SERIES.label.length;
  const drawn = SERIES.curves.filter((curves) => curves !== null).length;
  const brief = SERIES.curves.filter((curves) => curves && !curves.x).length;
  byId("series-caption").textContent = captionOfSeries(listed, drawn, brief);
  byId("series-filter").hidden = listed < 10;
  byId("series-filter").addEventListener("input", (event) => {
    table.filter = event.target.value.trim().toLowerCase();
    table.page = 0;
    fillSeriesTable(columns);
  });
  chosen.listeners.push(() => markChosen());
  fillSeriesTable(columns);
}

function captionOfSeries(listed, drawn, brief) {
  const parts = listed > 1 ? ["Click a row to see the series above; click a heading to sort."] : [];
  if (listed < SERIES.total)
    parts.push(`This page lists ${asCount(listed)} of ${asCount(SERIES.total)} series: the hardest, the easiest, the largest, and a spread of the others. forecast.csv has them all.`);
  if (brief || drawn < listed)
    parts.push(`To stay under 8 MB it draws ${asCount(drawn - brief)} in full, ${asCount(brief)} in brief (median and one interval), and ${asCount(listed - drawn)} not at all.`);
  return parts.join(" ");
}

function orderedSeries() {
  const { column, descending, filter } = table;
  const kept = SERIES.label
    .map((_, index) => index)
    .filter((index) => !filter || [SERIES.label[index], methodOf(index), noteOf(index)].some((text) => text.toLowerCase().includes(filter)));
  if (!column) return kept;
  const keys = new Map(kept.map((index) => [index, column.value(index)]));
  const known = kept.filter((index) => keys.get(index) !== null && keys.get(index) !== "");
  const compare = column.text ? new Intl.Collator("en", { numeric: true }).compare : (a, b) => a - b;
  known.sort((a, b) => (descending ? -1 : 1) * compare(keys.get(a), keys.get(b)));
  return known.concat(kept.filter((index) => keys.get(index) === null || keys.get(index) === ""));
}

function sortBy(column, columns) {
  if (table.column === column) table.descending = !table.descending;
  else Object.assign(table, { column, descending: false });
  table.page = 0;
  fillSeriesTable(columns);
  byId(`sort-${columns.indexOf(column)}`).focus();
}

function fillSeriesTable(columns) {
  const order = orderedSeries();
  const pages = Math.max(Math.ceil(order.length / ROWS_A_PAGE), 1);
  table.page = Math.min(table.page, pages - 1);
  const shown = order.slice(table.page * ROWS_A_PAGE, (table.page + 1) * ROWS_A_PAGE);
  const head = columns.map((column, place) => {
    const sorted = table.column === column;
    const direction = table.descending ? "descending" : "ascending";
    return make(
      "th",
      { scope: "col", class: column.write ? "number" : null, "aria-sort": sorted ? direction : column.value ? "none" : null, title: column.hint },
      column.value ? make("button", { type: "button", id: `sort-${place}`, class: "sort", onclick: () => sortBy(column, columns) }, column.name) : column.name,
    );
  });
  const body = shown.map((index) => make("tr", { "data-index": index, onclick: () => chooseFromTable(index) }, columns.map((column) => seriesCell(column, index))));
  byId("series-table").replaceChildren(
    make("table", {}, make("caption", { class: "unseen" }, "All series"), make("thead", {}, make("tr", {}, head)), make("tbody", {}, body)),
  );
  fillPager(order.length, pages, columns);
  markChosen();
}

function seriesCell(column, index) {
  if (column.name === "Series")
    return make("th", { scope: "row" }, make("button", { type: "button", class: "name", title: SERIES.label[index] }, SERIES.label[index]));
  if (column.name === "Shape") return make("td", { class: "shape" }, sparkline(index));
  const value = column.value(index);
  if (column.trust) return make("td", {}, verdictTag(value));
  if (column.name === "vs seasonal naive" && isNumber(value))
    return make("td", { class: `number ${value < 0 ? "better" : "worse"}` }, column.write(value));
  return column.write
    ? make("td", { class: "number" }, column.write(value))
    : make("td", { class: column.name === "Note" ? "note" : null, title: value || null }, value);
}

// The last 40 points and the forecast, a few pixels high.
function sparkline(index) {
  const packed = SERIES.curves[index];
  if (!packed) return DASH;
  const history = unpack(packed.h).slice(-40);
  const median = unpack(packed.m).slice(0, 40);
  const values = [...history, ...median];
  const known = values.filter(isNumber);
  const [low, high] = [Math.min(...known), Math.max(...known)];
  const [width, height] = [112, 24];
  const x = (place) => ((place + 0.5) / values.length) * width;
  const y = (value) => (high > low ? 2 + (1 - (value - low) / (high - low)) * (height - 4) : height / 2);
  const path = (from, to) => {
    let pen = "M";
    let text = "";
    for (let place = from; place < to; place++) {
      if (!isNumber(values[place])) pen = "M";
      else {
        text += `${pen}${x(place).toFixed(1)} ${y(values[place]).toFixed(1)}`;
        pen = "L";
      }
    }
    return text;
  };
  return makeSvg(
    "svg",
    { viewBox: `0 0 ${width} ${height}`, width, height, "aria-hidden": "true", class: "spark" },
    makeSvg("path", { d: path(0, history.length), class: "spark-history" }),
    makeSvg("path", { d: path(Math.max(history.length - 1, 0), values.length), class: "spark-forecast" }),
  );
}

function chooseFromTable(index) {
  choose(index);
  const calm = window.matchMedia("(prefers-reduced-motion: reduce)").matches;
  byId("forecast").scrollIntoView({ behavior: calm ? "auto" : "smooth", block: "start" });
}

function markChosen() {
  for (const row of byId("series-table").querySelectorAll("tbody tr"))
    row.classList.toggle("chosen", Number(row.dataset.index) === chosen.index);
}

function fillPager(count, pages, columns) {
  const pager = byId("series-pager");
  pager.hidden = pages < 2 && !table.filter;
  const turn = (by) => () => {
    table.page += by;
    fillSeriesTable(columns);
  };
  const first = table.page * ROWS_A_PAGE;
  const range = count ? `${asCount(first + 1)} to ${asCount(Math.min(first + ROWS_A_PAGE, count))} of ${asCount(count)}` : "Nothing fits this filter";
  pager.replaceChildren(
    make("button", { type: "button", class: "step", "aria-label": "Previous rows", disabled: table.page === 0, onclick: turn(-1) }, "‹"),
    make("span", { "aria-live": "polite" }, range),
    make("button", { type: "button", class: "step", "aria-label": "Next rows", disabled: table.page >= pages - 1, onclick: turn(1) }, "›"),
  );
}
