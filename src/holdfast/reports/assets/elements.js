// Building the page. Text from the data only ever becomes text nodes and attributes, never markup.

function byId(id) {
  return document.getElementById(id);
}

function make(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    if (name === "class") element.className = value;
    else if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else element.setAttribute(name, value === true ? "" : String(value));
  }
  element.append(...children.flat().filter((child) => child !== null && child !== undefined));
  return element;
}

function makeSvg(tag, attributes = {}, ...children) {
  const element = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, String(value));
  element.append(...children);
  return element;
}

function show(id) {
  byId(id).hidden = false;
}

// A list of sentences; the place stays hidden where there are none.
function fillSentences(id, sentences) {
  if (!sentences.length) return;
  byId(id).replaceChildren(...sentences.map((sentence) => make("li", {}, sentence)));
  show(id);
}

// Term and value pairs of a <dl>: [term, value, hint].
function fillTerms(id, pairs) {
  byId(id).replaceChildren(
    ...pairs.map(([term, value, hint]) =>
      make("div", {}, make("dt", {}, term), make("dd", {}, value, hint ? make("small", {}, hint) : null)),
    ),
  );
}

// A table of text: columns are {name, numeric, hint}, rows are lists of cells (text or elements).
function makeTable(columns, rows, caption) {
  const head = columns.map(({ name, numeric, hint }) =>
    make("th", { scope: "col", class: numeric ? "number" : null, title: hint }, name),
  );
  const body = rows.map((row) => {
    const { cells, className } = Array.isArray(row) ? { cells: row } : row;
    return make(
      "tr",
      { class: className },
      cells.map((cell, place) =>
        place === 0
          ? make("th", { scope: "row" }, cell)
          : make("td", { class: columns[place].numeric ? "number" : null }, cell),
      ),
    );
  });
  return make(
    "table",
    {},
    caption ? make("caption", { class: "unseen" }, caption) : null,
    make("thead", {}, make("tr", {}, head)),
    make("tbody", {}, body),
  );
}

// A <details> whose table is made when it is opened, and again when its chart changes.
function fillNumbers(id, makeContent) {
  const details = byId(id);
  const fill = () => {
    details.querySelector(".scroll")?.remove();
    if (details.open)
      details.append(make("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": "Numbers" }, makeContent()));
  };
  details.ontoggle = fill;
  fill();
}

// What stands under every page; DATA is the page's.
function fillFooter(more = "", facts = []) {
  byId("footer").replaceChildren(
    make("p", {}, [`Holdfast ${DATA.version}`, DATA.created ? `made ${DATA.created.slice(0, 16).replace("T", " ")}` : "", ...facts].filter(Boolean).join(" · ")),
    DATA.command ? make("p", {}, make("code", { id: "command" }, DATA.command)) : "",
    make("p", {}, ["This page is complete in itself: it loads nothing and sends nothing.", more].join(" ").trim()),
  );
}
