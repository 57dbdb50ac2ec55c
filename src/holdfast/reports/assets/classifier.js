// Puts the page of a classifier together.

const DATA = JSON.parse(byId("holdfast-data").textContent);
const STEPS = [0.02, 0.05, 0.1, 0.2, 0.4];
const KINDS = { ours: "", part: "a part of it, alone", simple: "simple method" };

function strength(share) {
  return STEPS.filter((least) => share >= least).length;
}

function fillBeside() {
  byId("beside-table").replaceChildren(
    makeTable(
      [{ name: "Method" }, { name: "Right labels" }, { name: "" }],
      DATA.beside.map(([name, accuracy, kind]) => ({
        className: kind === "ours" ? "blend" : null,
        cells: [name, bar(accuracy), KINDS[kind]],
      })),
      "Accuracy of all methods",
    ),
  );
  if (DATA.start) {
    byId("start").textContent = DATA.start;
    show("start");
  }
}

function fillConfusion() {
  const names = DATA.labels.map(([name]) => name);
  byId("confusion-table").replaceChildren(
    makeTable(
      [{ name: "True label" }, ...names.map((name) => ({ name, numeric: true }))],
      DATA.confusion.map((counts, row) => {
        const total = Math.max(counts.reduce((sum, count) => sum + count, 0), 1);
        return [
          names[row],
          ...counts.map((count, column) => {
            const level = strength(count / total);
            const kind = row === column ? " against" : "";
            return make("span", { class: level ? `mark${level}${kind}` : "" }, asCount(count));
          }),
        ];
      }),
      "Confusion matrix",
    ),
  );
}

function fillWords() {
  const labels = [...new Set(DATA.deciding.map(([label]) => label))];
  byId("words-tables").replaceChildren(
    ...labels.map((label) =>
      make(
        "div",
        { class: "scroll", tabindex: "0", role: "region", "aria-label": `Words for ${label}` },
        makeTable(
          [{ name: `For “${label}”` }, { name: "Without it", numeric: true }, { name: "Texts", numeric: true }],
          DATA.deciding
            .filter(([name]) => name === label)
            .map(([, word, effect, count]) => [word, `−${asPercent(effect, 1)}`, asCount(count)]),
          `Words for ${label}`,
        ),
      ),
    ),
  );
}

function fillTexts(id, decided) {
  byId(id).replaceChildren(
    ...decided.map(({ words, effects, given, truth, chance }) => {
      const text = make("p", { class: "writing" });
      words.forEach((word, place) => {
        const effect = effects[place];
        const level = strength(Math.abs(effect));
        const kind = effect < 0 ? " against" : "";
        const title = `${effect < 0 ? "against" : "for"} ${given}: ${asPercent(Math.abs(effect), 1)}`;
        text.append(make("span", { class: level ? `mark${level}${kind}` : "", title }, word), " ");
      });
      const wrong = given === truth ? "" : `; in truth “${truth}”`;
      return make("div", {}, make("h3", {}, `“${given}”, ${asPercent(chance, 0)} sure${wrong}`), text);
    }),
  );
  if (!decided.length) byId(id).replaceChildren(make("p", { class: "caption" }, "None of them."));
}

function start() {
  fillTerms("figures", [
    ["Right labels", asPercent(DATA.accuracy, 1), `of ${asCount(DATA.texts)} held-out texts`],
    ["Calibration error", asPercent(DATA.calibration, 1), "confidence against accuracy"],
    ["Surprise", `${asFixed(DATA.nats, 3)} nats`, "at the true label"],
    ["Training", asSeconds(DATA.seconds), "from start to end"],
  ]);
  fillBeside();
  byId("labels-table").replaceChildren(
    makeScores(
      "Label",
      DATA.labels,
      DATA.left_out ? `The most frequent labels; ${DATA.left_out} more are left out` : "Scores of each label",
    ),
  );
  byId("reliability-table").replaceChildren(
    makeTable(
      [{ name: "Sure to" }, { name: "Right" }, { name: "Texts", numeric: true }],
      DATA.reliability.map(([sure, right, count]) => [asPercent(sure, 1), bar(right), asCount(count)]),
      "Confidence and accuracy",
    ),
  );
  fillConfusion();
  fillWords();
  fillTexts("mistakes-list", DATA.mistakes);
  fillTexts("examples-list", DATA.examples);
  byId("facts-table").replaceChildren(makeTable([{ name: "What" }, { name: "How" }], DATA.facts, "Facts of the training"));
  fillFooter();
}

start();
