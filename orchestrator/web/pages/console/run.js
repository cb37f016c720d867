// One run: its state, its timeline, what was said, its files, its events; and what can be done with it.
import { client, get, post, remove, settled, words } from "./api.js";
import { el, on, say, seconds } from "./dom.js";
import { EventList } from "./events.js";
import { Files } from "./files.js";
import { RunModel } from "./model.js";
import { Timeline } from "./timeline.js";
import { Transcript } from "./transcript.js";

const TICK_MS = 1000;

export class RunView {
  constructor(runId, models) {
    this.runId = runId;
    this.path = `/agent/run/${runId}`;
    this.models = models;
    this.leaving = new AbortController();
    this.run = client.run(runId);
    this.model = new RunModel();
    this.timeline = new Timeline((step) => this.askFork(step));
    this.transcript = new Transcript({ onAnswer: (id, allow) => this.tell(() => this.run.approve(id, allow)), onFile: (path) => this.showFile(path) });
    this.files = new Files(runId);
    this.events = new EventList();
    this.preview = el("div.preview", {}, el("p.note", {}, "No page yet"));
    this.build();
  }

  build() {
    this.title = el("h2", {}, this.runId);
    this.state = el("span.state", { role: "status", "aria-live": "polite" });
    this.facts = el("p.facts");
    this.problem = el("p.problem", { role: "alert" });
    const button = (text, act, what = "button") => el(what, { onclick: act }, text);
    this.buttons = {
      cancel: button("Cancel", () => this.tell(() => this.run.cancel()), "button.danger"),
      retry: button("Go on", () => this.begin(() => post(`${this.path}/retry`))),
      again: button("Run again", () => this.again()),
      delete: button("Delete", () => this.erase(), "button.danger"),
    };
    this.forking = this.forkForm();
    this.steer = el("form.steer", { onsubmit: (event) => this.say(event) }, el("label", {}, "Tell it ", el("input", { name: "value", required: true, autocomplete: "off" })), el("button", {}, "Send"));
    const panels = { Transcript: this.transcript.node, Files: this.files.node, Preview: this.preview, Events: this.events.node };
    this.tabs = tabs(Object.keys(panels), panels, () => this.draw());
    this.node = el("article", {}, el("header.run", {}, this.title, this.state, el("p.buttons", {}, ...Object.values(this.buttons))), this.facts, this.problem, this.timeline.node, this.forking, this.tabs.node, this.steer);
  }

  async open() {
    this.draw();
    const tick = setInterval(() => this.draw(), TICK_MS);
    this.leaving.signal.addEventListener("abort", () => clearInterval(tick));
    void this.describe();
    try {
      for await (const event of this.run.watch({ signal: this.leaving.signal })) {
        this.model.add(event);
        this.drawSoon();
        if (event.step === "request") void this.describe(); // it may have been moved
      }
    } catch (error) {
      if (this.leaving.signal.aborted) return;
      say(this.problem, words(error));
    }
    this.close();
    settled();
    void this.describe();
    this.draw();
  }

  close() {
    this.leaving.abort();
  }

  async describe() {
    try {
      this.record = await get(this.path);
      say(this.title, this.record.value);
      this.drawSoon();
    } catch { /* the stream says what is wrong */ }
  }

  drawSoon() {
    this.frame ??= requestAnimationFrame(() => {
      this.frame = undefined;
      this.draw();
    });
  }

  draw() {
    const { model } = this;
    const isOver = model.end !== null;
    say(this.state, model.state);
    this.state.className = `state ${model.state}`;
    say(this.facts, this.summary());
    this.buttons.cancel.hidden = this.steer.hidden = isOver || !model.began;
    this.buttons.retry.hidden = !isOver || model.end.type === "complete";
    this.buttons.delete.hidden = !isOver;
    this.buttons.again.hidden = !isOver || !this.record;
    this.timeline.draw(model, Date.now());
    if (model.end?.type === "error" && !this.problem.textContent) say(this.problem, model.end.data);
    const { chosen } = this.tabs;
    if (chosen === "Transcript") this.transcript.draw(model);
    if (chosen === "Files") this.files.draw(model);
    if (chosen === "Events") this.events.draw(model);
    if (chosen === "Preview") this.drawPreview();
  }

  summary() {
    const { model, record } = this;
    const usage = model.end?.data?.usage ?? model.progress?.usage;
    const parts = [record?.projectId && `project ${record.projectId}`, record?.model, /direct|inngest/.test(record?.engine) && `engine ${record.engine}`];
    if (model.began) parts.push(seconds((model.end?.timestamp ?? Date.now()) - model.began));
    if (model.progress) parts.push(`turn ${model.progress.turn} of ${model.progress.maxTurns}`);
    if (model.budget && !model.end) parts.push(`${seconds(Math.max(0, model.budget.remaining + model.budget.at - (model.state === "waiting" ? model.latest : Date.now())))} left`);
    if (usage) parts.push(`${(usage.inputTokens + usage.outputTokens).toLocaleString()} tokens`, usage.cost ? `$${usage.cost.toFixed(4)}` : null);
    if (model.end?.data?.missing) parts.push(`missing: ${model.end.data.missing}`);
    return parts.filter(Boolean).join(" · ");
  }

  drawPreview() {
    const url = this.model.end?.data?.url;
    if (!url || this.shownUrl === url) return;
    this.shownUrl = url;
    const frame = el("iframe", { src: url, sandbox: "allow-scripts allow-forms", title: "Preview", referrerpolicy: "no-referrer" });
    this.preview.replaceChildren(el("p", {}, el("a", { href: url, target: "_blank", rel: "noreferrer noopener" }, "Open in a tab of its own")), frame);
  }

  showFile(path) {
    this.tabs.choose("Files");
    this.files.open(path);
  }

  async tell(act) {
    this.problem.textContent = "";
    try {
      return await act();
    } catch (error) {
      say(this.problem, words(error));
    }
  }

  async begin(act) {
    const answer = await this.tell(act);
    if (answer) location.hash = `#/run/${answer.runId}`;
  }

  again() {
    const { projectId, value, model, framework } = this.record;
    return this.begin(() => post("/agent/run", { projectId, value, model, ...(framework && { framework }) }));
  }

  async erase() {
    if (!confirm("Delete this run, its events and its results?")) return;
    await this.tell(async () => {
      await remove(this.path);
      location.hash = "#/";
    });
  }

  async say(event) {
    const { value } = event.target.elements;
    await this.tell(async () => {
      await this.run.steer(value.value);
      value.value = "";
    });
  }

  forkForm() {
    const models = el("select", { name: "model" }, el("option", { value: "" }, "the same model"), ...this.models.map((one) => el("option", { value: one.id }, one.id)));
    const value = el("input", { name: "value", placeholder: "what it should know (optional)" });
    const close = el("button.quiet", { onclick: () => (form.hidden = true) }, "Close");
    const form = el("form.fork", { hidden: true }, el("b"), el("label", {}, "Tell it ", value), el("label", {}, "Model ", models), el("button", {}, "Fork"), close);
    on(form, "submit", () => {
      const body = { step: form.dataset.step, ...(value.value && { value: value.value }), ...(models.value && { model: models.value }) };
      return this.begin(() => post(`${this.path}/fork`, body));
    });
    return form;
  }

  askFork(step) {
    this.forking.dataset.step = step;
    this.forking.firstChild.textContent = `A new run from ${step} on`;
    this.forking.hidden = false;
    this.forking.querySelector("input").focus();
  }
}

/** Tabs as the ARIA practices have them: arrows move, one is in the order of Tab. */
function tabs(names, panels, onChange) {
  const list = el("div.tabs", { role: "tablist" });
  const pages = names.map((name) => el("div", { role: "tabpanel", "aria-label": name }, panels[name]));
  const self = { node: el("section", {}, list, ...pages), choose };
  const buttons = names.map((name) => el("button", { role: "tab", onclick: () => choose(name) }, name));
  list.append(...buttons);
  list.addEventListener("keydown", (event) => {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (!step) return;
    const next = (names.indexOf(self.chosen) + step + names.length) % names.length;
    choose(names[next]);
    buttons[next].focus();
  });
  function choose(name) {
    self.chosen = name;
    names.forEach((one, index) => {
      buttons[index].setAttribute("aria-selected", String(one === name));
      buttons[index].tabIndex = one === name ? 0 : -1;
      pages[index].hidden = one !== name;
    });
    if (self.node.isConnected) onChange();
  }
  choose(names[0]);
  return self;
}
