// Puts the page of a text and its surprises together.

const DATA = JSON.parse(byId("holdfast-data").textContent);
const STEPS = [2, 3, 4, 6, 8];

function strength(nats) {
  return STEPS.filter((least) => nats >= least).length;
}

function marked(text, nats) {
  const level = strength(nats);
  return make("span", { class: level ? `mark${level}` : "", title: `${asFixed(nats, 2)} nats` }, text);
}

function start() {
  const pieces = document.createDocumentFragment();
  DATA.texts.forEach((text, place) => pieces.append(marked(text, DATA.nats[place])));
  byId("marked").replaceChildren(pieces);
  // A finger has no pointer that hovers.
  byId("marked").addEventListener("click", ({ target }) => {
    if (target.title) byId("tapped").textContent = `“${target.textContent.trim() || "blank"}”: ${target.title}`;
  });
  byId("scale").replaceChildren(
    ...STEPS.flatMap((least) => [make("span", { class: `mark${strength(least)}` }, `from ${least} nats`), " "]),
  );
  const order = DATA.nats.map((_, place) => place).sort((one, other) => DATA.nats[other] - DATA.nats[one]).slice(0, 20);
  byId("most-table").replaceChildren(
    makeTable(
      [{ name: "Before it" }, { name: "Token" }, { name: "Nats", numeric: true }],
      order.map((place) => [
        DATA.texts.slice(Math.max(0, place - 12), place).join("").slice(-40),
        make("code", {}, DATA.texts[place].trim() || JSON.stringify(DATA.texts[place]).slice(1, -1)),
        asFixed(DATA.nats[place], 2),
      ]),
      "The least expected tokens",
    ),
  );
  byId("footer").replaceChildren(
    make("p", {}, `Holdfast ${DATA.version}`),
    make("p", {}, "This page is complete in itself: it loads nothing and sends nothing."),
  );
}

start();
