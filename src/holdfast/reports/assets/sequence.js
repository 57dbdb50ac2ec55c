// Puts the page of one sequence together.

// Show what is read now; the panels are drawn again only where it lies outside the window.
function look() {
  if (view.step < view.first || view.step >= view.first + view.steps) {
    recentre();
    drawPanels();
  } else drawCursor();
  fillReading();
  if (byId("unit-numbers").open) fillUnitNumbers();
  markToken();
}

function segment(id, entries, chosen, change) {
  const buttons = entries.map(([value, text]) =>
    make("button", {
      type: "button",
      "aria-pressed": String(value === chosen),
      onclick: () => {
        change(value);
        buttons.forEach((button, place) => button.setAttribute("aria-pressed", String(entries[place][0] === value)));
        recentre();
        fillStack();
        look();
      },
    }, text),
  );
  byId(id).replaceChildren(...buttons);
}

function fillOrder() {
  const weighted = Boolean(layerInView()?.weight && layerInView()?.timescales);
  byId("order").hidden = !weighted;
  if (!weighted) view.byWeight = false;
  segment("order", [[false, "by timescale"], [true, "by weight"]], view.byWeight, (value) => (view.byWeight = value));
}

function fillZoom() {
  const sizes = [LENGTH, 200, 50].filter((size, place) => !place || size < LENGTH);
  byId("zoom").hidden = sizes.length < 2;
  segment("zoom", sizes.map((size, place) => [size, place ? `${size} steps` : "all"]), view.steps, (size) => (view.steps = size));
}

function fillLayers() {
  if (DATA.layers.length < 2) return;
  show("layers");
  const buttons = DATA.layers.map(({ name, kind }, place) =>
    make("button", {
      type: "button",
      class: "chip",
      "aria-pressed": String(place === view.layer),
      onclick: () => {
        view.layer = place;
        view.place = 0;
        buttons.forEach((button, other) => button.setAttribute("aria-pressed", String(other === place)));
        showLayer();
      },
    }, `${name} · ${kind}`),
  );
  byId("layers").replaceChildren(...buttons);
}

function showLayer() {
  const { weight } = layerInView() ?? {};
  if (weight) view.place = weight.indexOf(Math.max(...weight));
  fillOrder();
  fillStack();
  fillTables();
  fillUnitNumbers();
  look();
}

function fillTokens() {
  if (!IS_TEXT) return;
  show("text");
  const largest = SHARES ? Math.max(...SHARES.map(Math.abs), 1e-12) : 1;
  const pieces = DATA.labels.map((label, step) => {
    const share = SHARES ? SHARES[step] / largest : 0;
    const piece = make("span", { class: Math.abs(share) < 0.02 ? "" : share > 0 ? "for" : "against", title: SHARES ? asPercent(SHARES[step], 1) : null, "data-step": step }, label);
    piece.style.setProperty("--strength", `${Math.round(8 + 72 * Math.abs(share))}%`);
    return piece;
  });
  byId("tokens").replaceChildren(...pieces);
  byId("tokens").addEventListener("click", (event) => {
    const step = event.target.dataset?.step;
    if (step === undefined) return;
    view.step = Number(step);
    look();
  });
  byId("text-caption").textContent = SHARES ? `The more strongly a token is marked, the more ${DATA.output || "the output"} rests on it; blue raises it, orange lowers it. Tap a token to read it below.` : "Tap a token to read it below.";
}

let marked = null;

function markToken() {
  if (!IS_TEXT) return;
  marked?.classList.remove("here");
  marked = byId("tokens").children[view.step];
  marked?.classList.add("here");
}

function onKey(event) {
  const far = event.shiftKey ? 10 : 1;
  const rows = layerInView() ? rowOrder() : [0];
  const row = rows.indexOf(view.place);
  const moves = {
    ArrowLeft: () => (view.step = Math.max(0, view.step - far)),
    ArrowRight: () => (view.step = Math.min(LENGTH - 1, view.step + far)),
    ArrowUp: () => (view.place = rows[Math.max(0, row - far)]),
    ArrowDown: () => (view.place = rows[Math.min(rows.length - 1, row + far)]),
    Home: () => (view.step = 0),
    End: () => (view.step = LENGTH - 1),
  };
  if (!moves[event.key]) return;
  event.preventDefault();
  moves[event.key]();
  look();
}

function onPointer(event) {
  const before = [view.step, view.place];
  underPointer(event);
  if (before[0] !== view.step || before[1] !== view.place) look();
}

function start() {
  fillSentences("left-out", DATA.left_out);
  // First the layer that the output is known to rest on.
  view.layer = Math.max(0, DATA.layers.findIndex(({ weight }) => weight));
  fillTokens();
  fillLayers();
  fillZoom();
  fillRests();
  showLayer();
  const stack = byId("stack");
  stack.addEventListener("keydown", onKey);
  for (const kind of ["pointermove", "pointerdown"]) stack.addEventListener(kind, onPointer);
  window.addEventListener("resize", drawPanels);
  window.matchMedia("(prefers-color-scheme: dark)").addEventListener("change", drawPanels);
  fillFooter("Values of the pictures are rounded to 1/254 of their range.");
}

start();
