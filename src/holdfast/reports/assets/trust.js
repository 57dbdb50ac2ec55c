// How far to trust the forecasts: verdicts, reasons, and what the forecasts rest on.

const VERDICTS = ["do not trust", "care", "trust"];

const verdictOf = (index) => (DATA.trust ? DATA.trust.verdicts[index] : null);

// One series to trust, and something to mind all the same: words say it better than a green mark.
const withReserve = (verdict) => SERIES.total === 1 && verdict === 2 && DATA.trust.common.length > 0;

function verdictTag(verdict) {
  return make("span", { class: `tag ${["grave", "warn", "good"][verdict]}` }, VERDICTS[verdict]);
}

// The name of a series, which chooses it where the page has a row for it.
function seriesLink({ at, label }, className) {
  if (at === null) return make("span", { class: className }, label);
  return make("button", { type: "button", class: className, onclick: () => chooseFromTable(at) }, label);
}

function fillTrust(trust) {
  if (!trust) return;
  const single = SERIES.total === 1;
  const [grave, care] = trust.counts;
  byId("trust-headline").replaceChildren(
    single && !withReserve(trust.verdicts[0]) ? verdictTag(trust.verdicts[0] ?? 2) : "",
    make("span", {}, single && grave + care ? trust.headline.slice(trust.headline.indexOf(":") + 2) : trust.headline),
  );
  if (!single && trust.doubted.length) {
    byId("trust-doubts").replaceChildren(
      ...trust.doubted.map((doubt) => make("li", {}, verdictTag(doubt.verdict), seriesLink(doubt, "name"), make("span", { class: "why" }, doubt.why))),
    );
    show("trust-doubts");
  }
  if (trust.unlisted) {
    byId("trust-more").textContent = `… and ${asCount(trust.unlisted)} more; column note of forecast.csv has them all.`;
    show("trust-more");
  }
  fillSentences("trust-common", trust.common);
  if (trust.hard.length) {
    byId("trust-hard").replaceChildren(
      ...trust.hard.map((hard) => make("span", {}, seriesLink(hard, "chip"), make("small", {}, ` MASE ${asFixed(hard.mase, 2)}`))),
    );
    show("trust-hard-part");
  }
  if (trust.rests_on.length) {
    fillSentences("trust-rests", trust.rests_on);
    show("trust-rests-part");
  }
  show("trust");
}
