// Tables that the pages of classifiers and taggers share: a bar for a share, and scores of each label.

function bar(share) {
  const track = make("span", { class: "track", "aria-hidden": "true" }, make("span", { class: "bar" }));
  track.firstChild.style.width = `${100 * share}%`;
  return make("span", { class: "weight" }, track, asPercent(share, 1));
}

// Rows are [name, precision, recall, F1, count].
function makeScores(name, rows, caption) {
  const columns = ["Precision", "Recall", "F1", "Count"].map((column) => ({ name: column, numeric: true }));
  return makeTable(
    [{ name }, ...columns],
    rows.map(([label, precision, recall, f1, count]) => [
      label,
      ...[precision, recall, f1].map((share) => asFixed(share, 3)),
      asCount(count),
    ]),
    caption,
  );
}
