// The panel on Airflow's home: how many models are ill, and the worst of them. It shows nothing to who may see none.
const { createElement: h, useEffect, useState } = globalThis.React;

const dashboard = new URL("..", import.meta.url);
const COLOURS = { violated: "fg.error", broken: "fg.error", healthy: "fg.success" };
const SIGNS = { violated: "▲", broken: "✕" };
const SHOWN = 5;

const inAirflow = (path) => new URL(path, document.baseURI).href;
const colour = (name) => `var(--chakra-colors-${name.replace(".", "-")}, currentColor)`;
const isIll = (model) => model.condition.health in SIGNS;

function heading({ ill, total }) {
  if (ill === 0) return total === 1 ? "The model is not ill" : `None of ${total} models is ill`;
  return `${ill} of ${total} ${total === 1 ? "model" : "models"} ${ill === 1 ? "is" : "are"} ill`;
}

function Row({ model }) {
  const { health, words, since } = model.condition;
  const href = inAirflow(`dags/${encodeURIComponent(model.schedule)}/plugin/monitor`);
  return h(
    "li",
    { style: { overflowWrap: "anywhere" } },
    h("a", { href, style: { textDecoration: "underline" } }, model.endpoint.slice(0, 80)),
    " ",
    h("strong", { style: { color: colour(COLOURS[health]) } }, `${SIGNS[health]} ${words}`),
    since ? ` since ${since.slice(0, 10)}` : "",
    model.sentence ? `: ${model.sentence.slice(0, 160)}` : "",
  );
}

function Waiting({ waiting, more_waiting: more }) {
  const n = waiting.length + more;
  return h(
    "p",
    null,
    h("strong", null, n === 1 ? "A baseline waits" : `${n} baselines wait`),
    " for a decision: ",
    waiting.map(({ schedule }, place) => [
      place ? ", " : "",
      h("a", { href: inAirflow(`dags/${encodeURIComponent(schedule)}/plugin/monitor`), key: schedule, style: { textDecoration: "underline" } }, schedule.slice(0, 80)),
    ]),
    more > 0 && ` and ${more} more`,
  );
}

globalThis["Model Monitor"] = function ModelMonitor() {
  const [shown, show] = useState(null);
  useEffect(() => {
    let isHere = true;
    fetch(new URL(`api/?limit=${SHOWN}`, dashboard))
      .then((answer) => (answer.ok ? answer.json() : null))
      .catch(() => null)
      .then((answer) => isHere && show(answer));
    return () => {
      isHere = false;
    };
  }, []);
  if (!shown || shown.total === 0) return null;
  const ill = shown.models.filter(isIll);
  return h(
    "section",
    {
      "aria-label": "Model Monitor",
      style: { border: `1px solid ${colour("border")}`, borderRadius: "5px", padding: "8px 16px", margin: "8px 0" },
    },
    h(
      "p",
      null,
      h("strong", { style: { color: colour(ill.length ? "fg.error" : "fg.success") } }, heading(shown)),
      " · ",
      h("a", { href: inAirflow("plugin/models"), style: { textDecoration: "underline" } }, "all models"),
    ),
    ill.length > 0 && h("ul", { style: { paddingInlineStart: "20px" } }, ill.map((model) => h(Row, { model, key: `${model.endpoint} ${model.variant}` }))),
    shown.ill > ill.length && h("p", null, `and ${shown.ill - ill.length} more`),
    shown.waiting?.length > 0 && h(Waiting, shown),
  );
};
