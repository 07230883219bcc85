// What makes the pages nicer; each page works without it.
"use strict";

// A choice in a filter counts at once.
for (const form of document.querySelectorAll("form.filters")) {
  form.addEventListener("change", (event) => {
    if (event.target instanceof HTMLSelectElement) form.requestSubmit();
  });
}

// Inside Airflow's pages, whose frame lets nothing out of it, a link to another of these is one of theirs.
document.addEventListener("click", (event) => {
  const link = event.target.closest?.('a[target="_top"]');
  if (!link || window === window.parent || event.ctrlKey || event.metaKey) return;
  event.preventDefault();
  const theirs = parent.document.createElement("a");
  theirs.href = link.href;
  parent.document.body.append(theirs);
  theirs.click();
  theirs.remove();
});

// Airflow's own API, asked with the cookie of who has logged in.
class Refused extends Error {}

const pause = (seconds) => new Promise((done) => setTimeout(done, 1000 * seconds));

async function ask(airflow, method, path, body) {
  const asked = {
    method,
    credentials: "same-origin",
    headers: { Accept: "application/json", ...(body && { "Content-Type": "application/json" }) },
    body: body && JSON.stringify(body),
  };
  let answer = await fetch(`${airflow}/api/v2${path}`, asked);
  for (let tries = 0; answer.status === 503 && tries < 8; tries += 1) {
    await pause(0.7); // SQLite was busy, and nothing was done
    answer = await fetch(`${airflow}/api/v2${path}`, asked);
  }
  if (answer.ok) return answer.json();
  const said = (await answer.json().catch(() => ({}))).detail;
  const detail = Array.isArray(said) ? said.map((one) => one.msg).join("; ") : said?.reason || said;
  const words = { 401: "your login has ended; log in again", 403: "you may not do this" };
  throw new Refused(words[answer.status] || (typeof detail === "string" ? detail : `HTTP ${answer.status}`));
}

const dagPath = (dag) => `/dags/${encodeURIComponent(dag)}`;

class Controls {
  constructor(box) {
    this.box = box;
    this.airflow = box.dataset.airflow;
    this.schedule = box.dataset.schedule;
    box.addEventListener("click", (event) => {
      const button = event.target.closest("button[data-act]");
      if (button) this.guarded(() => this[button.dataset.act](button), button);
    });
    box.querySelector("form")?.addEventListener("submit", (event) => {
      event.preventDefault();
      this.guarded(() => this.count(event.target), event.submitter);
    });
    box.querySelector("form")?.addEventListener("change", () => (box.querySelector('[data-act="sure"]').hidden = true));
  }

  say(text, link) {
    const answer = this.box.querySelector(".answer");
    answer.replaceChildren(text);
    if (!link) return;
    const anchor = Object.assign(document.createElement("a"), { href: link[1], textContent: link[0], target: "_top" });
    answer.append(" ", anchor);
  }

  async guarded(act, button) {
    button.disabled = true;
    try {
      await act();
    } catch (error) {
      this.say(error instanceof Refused ? `Airflow refused: ${error.message.replace(/\.+$/, "")}.` : "Airflow did not answer; try again.");
    } finally {
      button.disabled = false;
    }
  }

  async look() {
    const dag = await ask(this.airflow, "GET", dagPath(this.schedule));
    const next = dag.next_dagrun_run_after?.slice(0, 16).replace("T", " ");
    const on = next ? `On; its next run is at ${next} UTC.` : "On.";
    this.box.querySelector(".switched").textContent = dag.is_paused ? "Off." : on;
    for (const button of this.box.querySelectorAll('[data-act="start"]')) button.hidden = !dag.is_paused;
    for (const button of this.box.querySelectorAll('[data-act="stop"]')) button.hidden = dag.is_paused;
    this.box.querySelector(".asks").hidden = false;
  }

  async switch(dag, is_paused) {
    await ask(this.airflow, "PATCH", `${dagPath(dag)}?update_mask=is_paused`, { is_paused });
    await this.look();
  }

  async start(button) {
    await this.switch(button.dataset.dag, false);
    this.say("Started: it judges the last complete window at once, then each one when it is over.");
  }

  async stop(button) {
    await this.switch(button.dataset.dag, true);
    this.say("Stopped: no window is judged until you start it.");
  }

  async run(button) {
    if ((await this.started(button.dataset.dag, button.dataset)) === "success") this.ended();
  }

  ended() {
    this.box.querySelector(".answer").prepend("Reload this page for what it says. ");
  }

  // From nothing to a schedule that judges: collect what it learns from, learn, start. It stops where a run fails.
  async begin() {
    const { baseline, start } = this.box.dataset;
    if (start) await this.switch(this.schedule, false);
    if (start && (await this.started(this.schedule, this.box.dataset, "Collecting. ")) !== "success") return;
    if (baseline && (await this.started(baseline, {}, "Learning. ")) !== "success") return;
    if (!start) await this.start({ dataset: { dag: this.schedule } });
    else if ((await this.started(this.schedule, {}, "Judging the last complete window. ")) === "success") this.ended();
  }

  // A run by hand, followed to its end; its state. A baseline's DAG has no times, so it is let go.
  async started(dag, { start, end }, what = "") {
    const conf = start ? { window_start: start, window_end: end } : {};
    const run = await ask(this.airflow, "POST", `${dagPath(dag)}/dagRuns`, { logical_date: null, conf });
    const page = `${this.airflow}${dagPath(dag)}/runs/${encodeURIComponent(run.dag_run_id)}`;
    const { is_paused } = await ask(this.airflow, "GET", dagPath(dag));
    if (is_paused && dag === this.schedule) {
      this.say("The run waits until the schedule is started:", [run.dag_run_id, page]);
      return "waiting";
    }
    if (is_paused) await ask(this.airflow, "PATCH", `${dagPath(dag)}?update_mask=is_paused`, { is_paused: false });
    for (;;) {
      const { state } = await ask(this.airflow, "GET", `${dagPath(dag)}/dagRuns/${encodeURIComponent(run.dag_run_id)}`);
      const words = { success: "The run has ended:", failed: "The run has failed:" }[state];
      this.say(what + (words || `The run is ${state}:`), [run.dag_run_id, page]);
      if (words) return state;
      await pause(3);
    }
  }

  wanted(form) {
    const fields = new FormData(form);
    return {
      dag_id: this.schedule,
      from_date: `${fields.get("since")}T00:00:00Z`,
      to_date: `${fields.get("until")}T23:59:59Z`,
      reprocess_behavior: fields.get("which"),
      max_active_runs: 4,
    };
  }

  async count(form) {
    const sure = this.box.querySelector('[data-act="sure"]');
    const { backfills } = await ask(this.airflow, "POST", "/backfills/dry_run", this.wanted(form));
    sure.hidden = backfills.length === 0;
    sure.textContent = `Judge ${backfills.length} window${backfills.length === 1 ? "" : "s"}`;
    this.say(backfills.length ? "Nothing has started yet." : "There is no such window between these days.");
  }

  async sure(button) {
    await ask(this.airflow, "POST", "/backfills", this.wanted(button.form));
    button.hidden = true;
    const { is_paused } = await ask(this.airflow, "GET", dagPath(this.schedule));
    const page = `${this.airflow}${dagPath(this.schedule)}/backfills`;
    this.say(is_paused ? "The backfill waits until the schedule is started:" : "The backfill has started:", [
      this.schedule,
      page,
    ]);
  }
}

for (const box of document.querySelectorAll(".controls")) {
  const controls = new Controls(box);
  controls.look().catch(() => {}); // then there is the link to Airflow's page
}

// A page that waits for Airflow looks again.
for (const waiting of document.querySelectorAll("[data-again]")) {
  setTimeout(() => location.reload(), 1000 * waiting.dataset.again);
}

// What needs labels shows where they are asked about, and what takes a while says so.
for (const form of document.querySelectorAll("form.new")) {
  form.addEventListener("change", (event) => {
    if (["model_quality", "bias"].includes(event.target.value)) form.querySelector("#truth").open = true;
  });
  form.addEventListener("submit", (event) => {
    const button = event.submitter;
    if (button?.name === "show") setTimeout(() => Object.assign(button, { disabled: true, textContent: "Trying it …" }));
  });
  addEventListener("pageshow", (event) => event.persisted && location.reload());
}
