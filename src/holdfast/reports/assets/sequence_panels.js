// The panels below each other: input, attribution, what was written and kept, and the heat maps.

const PART_COLOURS = { written: "--member-2", kept: "--blend", erased: "--member-1" };
const CHANNEL_COLOURS = ["--history", "--blend", "--member-1", "--member-2"];

let panels = [];

function fillStack() {
  const layer = layerInView();
  panels = [];
  if (DATA.values) panels.push(linePanel("Input", DATA.channels.map((name, place) => ({ name, values: DATA.values[place], colour: CHANNEL_COLOURS[place] })), 96));
  else panels.push(textPanel());
  if (SHARES) panels.push(barPanel());
  if (layer?.written.length)
    panels.push(linePanel("Cells", ["written", "kept", "erased"].map((name) => ({ name, values: layer[name], colour: PART_COLOURS[name] })), 84, true));
  for (const field of layer?.fields ?? []) panels.push(mapPanel(layer, field));
  const axis = make("div", { class: "axis" });
  byId("stack").replaceChildren(
    ...panels.flatMap(({ what, canvas }) => [what, canvas]),
    make("div", { class: "what" }),
    axis,
    make("div", { class: "cursor", "aria-hidden": "true" }),
  );
  drawPanels();
}

function panel(what, height, words, draw, extra = {}) {
  const canvas = make("canvas", { role: "img", "aria-label": words });
  canvas.style.height = `${height}px`;
  return { what: make("div", { class: "what" }, what), canvas, height, draw, ...extra };
}

function keyed(name, shade) {
  const key = make("span", { class: "key-line", "aria-hidden": "true" });
  key.style.background = `var(${shade})`;
  return make("small", {}, key, name);
}

function span(values) {
  const known = values.filter(isNumber);
  return known.length ? [Math.min(...known), Math.max(...known)] : [0, 1];
}

function linePanel(title, lines, height, fromZero = false) {
  const [low, high] = span(lines.flatMap(({ values }) => values));
  const from = fromZero ? Math.min(0, low) : low;
  const words = `${title}: ${lines.map(({ name, values }) => `${name || "value"} from ${asSmall(span(values)[0])} to ${asSmall(span(values)[1])}`).join(", ")} over ${asCount(LENGTH)} steps.`;
  const what = [title, ...(lines.length > 1 ? lines.map(({ name, colour }) => keyed(name, colour)) : [make("small", {}, lines[0]?.name || "")])];
  return panel(what, height, words, (context, width, first) => {
    const across = (step) => ((step - first + 0.5) / view.steps) * width;
    const down = (value) => height - 5 - ((value - from) / (high - from || 1)) * (height - 10);
    for (const { values, colour } of lines) {
      context.strokeStyle = colourOf(colour);
      context.lineWidth = 1.5;
      context.lineJoin = "round";
      context.beginPath();
      let open = false;
      for (let step = first; step < first + view.steps; step++) {
        if (!isNumber(values[step])) open = false;
        else {
          context[open ? "lineTo" : "moveTo"](across(step), down(values[step]));
          open = true;
        }
      }
      context.stroke();
    }
  });
}

// Tokens, each in its column, where there is room for them.
function textPanel() {
  return panel(["Input", make("small", {}, "tokens")], 26, `A text of ${asCount(LENGTH)} tokens.`, (context, width, first) => {
    const column = width / view.steps;
    context.fillStyle = colourOf("--ink");
    context.textAlign = "center";
    context.textBaseline = "middle";
    context.font = "13px ui-monospace, Menlo, Consolas, monospace";
    const names = DATA.labels.slice(first, first + view.steps).map((_, place) => tokenName(first + place));
    const fits = names.map((name) => context.measureText(name).width <= column - 1);
    if (fits.filter(Boolean).length < 0.8 * names.length) {
      context.fillStyle = colourOf("--muted");
      context.fillText("too many to write; see the text above", width / 2, 13);
    } else names.forEach((name, place) => fits[place] && context.fillText(name, (place + 0.5) * column, 13));
  });
}

function barPanel() {
  const largest = Math.max(...SHARES.map(Math.abs), 1e-12);
  const negative = SHARES.some((share) => share < 0), positive = SHARES.some((share) => share > 0);
  const top = restsMost(1).map(({ step, share }) => `most on ${stepName(step)}, ${asPercent(Math.abs(share), 1)}`).join("");
  const what = ["Rests on", ...(positive ? [keyed("raises it", "--blend")] : []), ...(negative ? [keyed("lowers it", "--member-1")] : [])];
  return panel(what, 72, `How much the output rests on each step: ${top}.`, (context, width, first) => {
    const column = width / view.steps;
    const zero = negative ? (positive ? 36 : 3) : 69;
    const reach = negative && positive ? 33 : 66;
    context.fillStyle = colourOf("--line");
    context.fillRect(0, zero, width, 1);
    for (let step = first; step < first + view.steps; step++) {
      const size = (SHARES[step] / largest) * reach;
      context.fillStyle = colourOf(size > 0 ? "--blend" : "--member-1");
      context.fillRect((step - first) * column, zero - Math.max(size, 0), Math.max(column - (column > 4 ? 1 : 0), 1), Math.abs(size));
    }
  });
}

function mapPanel(layer, field) {
  const gate = field.name.endsWith("gate");
  const height = Math.max(72, Math.min(layer.units.length * 3, 170));
  const strip = make("span", { class: "ramp", "aria-hidden": "true" });
  const end = (value) => (gate ? String(value) : asSmall(value));
  const what = [field.name[0].toUpperCase() + field.name.slice(1), strip, make("span", { class: "ends" }, make("span", {}, `${end(field.low)} `), make("span", {}, end(field.high)))];
  const words = `Heat map of the ${field.name} of ${asCount(layer.units.length)} units over ${asCount(LENGTH)} steps, from ${end(field.low)} to ${end(field.high)}; the units with the ${view.byWeight ? "largest weight" : "longest timescale"} on top. Arrow keys read its values.`;
  const source = document.createElement("canvas");
  return panel(what, height, words, (context, width, first) => {
    const colours = ramp(gate);
    strip.style.background = `linear-gradient(to right, ${[0, 64, 127, 190, LEVELS].map((code) => `rgb(${colours[code].join(",")})`).join(",")})`;
    const rows = rowOrder();
    source.width = view.steps;
    source.height = rows.length;
    const image = new ImageData(view.steps, rows.length);
    rows.forEach((place, row) => {
      for (let column = 0; column < view.steps; column++) {
        const shade = colours[field.bytes[place * LENGTH + first + column]];
        const at = 4 * (row * view.steps + column);
        image.data[at] = shade[0];
        image.data[at + 1] = shade[1];
        image.data[at + 2] = shade[2];
        image.data[at + 3] = 255;
      }
    });
    source.getContext("2d").putImageData(image, 0, 0);
    context.imageSmoothingEnabled = view.steps > width || rows.length > height;
    context.drawImage(source, 0, 0, width, height);
  }, { rows: layer.units.length });
}

function drawPanels() {
  const { first } = view;
  for (const { canvas, height, draw } of panels) {
    const width = Math.max(canvas.clientWidth, 1);
    const sharp = window.devicePixelRatio || 1;
    canvas.width = Math.round(width * sharp);
    canvas.height = Math.round(height * sharp);
    const context = canvas.getContext("2d");
    context.scale(sharp, sharp);
    draw(context, width, first);
  }
  drawAxis(first);
  drawCursor();
}

function drawAxis(first) {
  const axis = byId("stack").querySelector(".axis");
  const width = axis.clientWidth;
  const count = Math.max(2, Math.min(Math.floor(width / 130), view.steps));
  const name = (step) => (IS_TEXT ? asCount(DATA.first + step + 1) : DATA.labels[step]);
  axis.replaceChildren(
    ...Array.from({ length: count }, (_, place) => {
      const step = first + Math.round(((place + 0.5) / count) * view.steps - 0.5);
      const tick = make("span", {}, name(Math.min(Math.max(step, 0), LENGTH - 1)));
      tick.style.left = `${((step - first + 0.5) / view.steps) * 100}%`;
      return tick;
    }),
  );
}

// A line at the step that is read, and one in each map at the unit.
function drawCursor() {
  const stack = byId("stack");
  stack.querySelectorAll(".row-cursor").forEach((mark) => mark.remove());
  if (!panels.length) return;
  const { offsetLeft: left, clientWidth: width } = panels[0].canvas;
  const cursor = stack.querySelector(".cursor");
  cursor.style.left = `${left + ((view.step - view.first) / view.steps) * width}px`;
  cursor.style.width = `${width / view.steps}px`;
  const row = rowOrder().indexOf(view.place);
  for (const { canvas, height, rows } of panels.filter((one) => one.rows)) {
    const mark = make("div", { class: "row-cursor", "aria-hidden": "true" });
    mark.style.left = `${canvas.offsetLeft}px`;
    mark.style.width = `${width}px`;
    mark.style.top = `${canvas.offsetTop + (row / rows) * height}px`;
    mark.style.height = `${height / rows}px`;
    stack.append(mark);
  }
}

// The step, and the row where it lies in a map, under a pointer.
function underPointer(event) {
  const found = panels.find(({ canvas }) => canvas === event.target);
  if (!found) return;
  const box = found.canvas.getBoundingClientRect();
  const share = (event.clientX - box.left) / box.width;
  const step = view.first + Math.floor(share * view.steps);
  view.step = Math.max(0, Math.min(LENGTH - 1, step));
  if (!found.rows) return;
  const row = Math.floor(((event.clientY - box.top) / box.height) * found.rows);
  view.place = rowOrder()[Math.max(0, Math.min(found.rows - 1, row))];
}
