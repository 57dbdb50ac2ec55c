// Choosing a series: search box with suggestions, previous and next, quick choices.

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
