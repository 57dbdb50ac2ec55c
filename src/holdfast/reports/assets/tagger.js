// Puts the page of a tagger together.

const DATA = JSON.parse(byId("holdfast-data").textContent);
const SHARES = ["Precision", "Recall", "F1", "Count"].map((name) => ({ name, numeric: true }));

function bar(share) {
  const track = make("span", { class: "track", "aria-hidden": "true" }, make("span", { class: "bar" }));
  track.firstChild.style.width = `${100 * share}%`;
  return make("span", { class: "weight" }, track, asPercent(share, 1));
}

function fillScores(id, name, rows, caption) {
  byId(id).replaceChildren(
    makeTable(
      [{ name }, ...SHARES],
      rows.map(([tag, precision, recall, f1, count]) => [
        tag,
        ...[precision, recall, f1].map((share) => asFixed(share, 3)),
        asCount(count),
      ]),
      caption,
    ),
  );
}

function fillMistakes() {
  const sentences = DATA.mistakes.map((words) =>
    make(
      "p",
      { class: "tagged" },
      words.map(([word, given, truth]) =>
        make(
          "span",
          { class: given === truth ? "" : "mark4 against" },
          word,
          make("small", {}, given === truth ? given : `${given}, not ${truth}`),
        ),
      ),
    ),
  );
  byId("mistakes-list").replaceChildren(
    ...(sentences.length ? sentences : [make("p", { class: "caption" }, "None of them.")]),
  );
}

function start() {
  const figures = [["Right tags", asPercent(DATA.accuracy, 1), `of ${asCount(DATA.words)} words`]];
  if (DATA.span_f1 !== null) figures.push(["Spans found", asPercent(DATA.span_f1, 1), "F1, as seqeval counts"]);
  figures.push(["Training", asSeconds(DATA.seconds), "from start to end"]);
  fillTerms("figures", figures);
  byId("beside-table").replaceChildren(
    makeTable(
      [{ name: "Method" }, { name: "Right tags" }],
      DATA.beside.map(([name, accuracy, kind]) => ({
        className: kind === "ours" ? "blend" : null,
        cells: [name, bar(accuracy)],
      })),
      "Right tags of both methods",
    ),
  );
  if (DATA.unknown.length) {
    byId("unknown").textContent = `Training never saw these tags, which are always wrong: ${DATA.unknown.join(", ")}.`;
    show("unknown");
  }
  if (DATA.spans.length) {
    fillScores("spans-table", "Spans", DATA.spans, "Scores of each kind of span");
    show("spans");
  }
  fillScores(
    "tags-table",
    "Tag",
    DATA.tags,
    DATA.left_out ? `The most frequent tags; ${DATA.left_out} more are left out` : "Scores of each tag",
  );
  byId("confused-table").replaceChildren(
    makeTable(
      [{ name: "True tag" }, { name: "Given" }, { name: "Times", numeric: true }, { name: "At" }],
      DATA.confused.map(([truth, given, count, words]) => [truth, given, asCount(count), words]),
      "Tags that were mixed up",
    ),
  );
  fillMistakes();
  byId("facts-table").replaceChildren(makeTable([{ name: "What" }, { name: "How" }], DATA.facts, "Facts of the training"));
  byId("footer").replaceChildren(
    make("p", {}, [`Holdfast ${DATA.version}`, `made ${DATA.created.slice(0, 16).replace("T", " ")}`].join(" · ")),
    DATA.command ? make("p", {}, make("code", { id: "command" }, DATA.command)) : "",
    make("p", {}, "This page is complete in itself: it loads nothing and sends nothing."),
  );
}

start();
