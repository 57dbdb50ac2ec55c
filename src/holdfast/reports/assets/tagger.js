// Puts the page of a tagger together.

const DATA = JSON.parse(byId("holdfast-data").textContent);

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
    byId("spans-table").replaceChildren(makeScores("Spans", DATA.spans, "Scores of each kind of span"));
    show("spans");
  }
  byId("tags-table").replaceChildren(
    makeScores(
      "Tag",
      DATA.tags,
      DATA.left_out ? `The most frequent tags; ${DATA.left_out} more are left out` : "Scores of each tag",
    ),
  );
  byId("confused-table").replaceChildren(
    DATA.confused.length
      ? makeTable(
          [{ name: "True tag" }, { name: "Given" }, { name: "Times", numeric: true }, { name: "At" }],
          DATA.confused.map(([truth, given, count, words]) => [truth, given, asCount(count), words]),
          "Tags that were mixed up",
        )
      : make("p", { class: "caption" }, "None of them."),
  );
  fillMistakes();
  byId("facts-table").replaceChildren(makeTable([{ name: "What" }, { name: "How" }], DATA.facts, "Facts of the training"));
  fillFooter();
}

start();
