// The console: who is there, which run is shown, and starting new ones. The address says which run: it can be reloaded and sent.
import { client, get, onConnection, post, remove, words } from "./api.js";
import { el, on, say } from "./dom.js";
import { RunView } from "./run.js";
import { Runs } from "./runs.js";

const byId = (id) => document.getElementById(id);
const CONNECTION = { connecting: "connecting …", live: "live", waiting: "cut, coming back …" };

const LATE_MS = 2000;

let view = null;
let models = [];
const runs = new Runs();

onConnection((state) => {
  if (state === "denied") return askForKey(byId("app").hidden ? "" : "The session has ended. Log in, and what you saw goes on.");
  say(byId("connection"), CONNECTION[state] ?? "");
  byId("connection").className = state;
});

async function open() {
  try {
    const session = await get("/console/session");
    byId("log-out").hidden = !session.canLogOut;
    await showApp();
  } catch (error) {
    if (error.status !== 401) say(byId("connection"), words(error)); // that is said where one logs in
  }
}

function askForKey(why = "") {
  view?.close();
  runs.isOn = false;
  say(byId("connection"), "");
  say(byId("log-in").querySelector(".problem"), why);
  byId("app").hidden = true;
  byId("log-in").hidden = false;
  byId("log-in").elements.key.focus();
}

async function showApp() {
  byId("log-in").hidden = true;
  byId("app").hidden = false;
  models = (await get("/agent/models")).models;
  const form = byId("start");
  form.elements.model.replaceChildren(el("option", { value: "auto" }, "auto"), ...models.map((one) => el("option", { value: one.id }, one.id)));
  runs.isOn = true;
  void runs.refresh();
  route();
}

function route() {
  const [, runId] = /^#\/run\/([\w-]{1,64})$/.exec(location.hash) ?? [];
  view?.close();
  view = null;
  if (!runId) {
    const isOdd = location.hash.length > 2;
    byId("run").replaceChildren(isOdd ? el("p.problem", {}, "There is no such run") : el("p.note", {}, "Start a run, or choose one."));
    byId("connection").textContent = "";
    return;
  }
  view = new RunView(runId, models);
  byId("run").replaceChildren(view.node);
  void view.open();
  void runs.refresh();
}

async function start() {
  const form = byId("start");
  const { value, projectId, model, framework } = Object.fromEntries(new FormData(form));
  const problem = form.querySelector(".problem");
  problem.textContent = "";
  try {
    // It is sent until somebody takes it, once: that can last while the service is away.
    const isLate = setTimeout(() => say(problem, "Nobody has taken it yet; it is sent again …"), LATE_MS);
    const run = await client.start({ value, projectId, model, ...(framework && { framework }) }).finally(() => clearTimeout(isLate));
    problem.textContent = "";
    location.hash = `#/run/${run.runId}`;
    byId("run").focus();
  } catch (error) {
    say(problem, words(error));
  }
}

async function logIn() {
  const form = byId("log-in");
  const problem = form.querySelector(".problem");
  problem.textContent = "";
  try {
    await post("/console/session", { key: form.elements.key.value });
    form.reset();
    await open();
  } catch (error) {
    say(problem, words(error));
  }
}

on(byId("start"), "submit", start);
on(byId("log-in"), "submit", logIn);
on(byId("log-out"), "click", async () => {
  try {
    await remove("/console/session");
    askForKey();
  } catch (error) {
    say(byId("connection"), words(error));
  }
});
addEventListener("hashchange", route);
on(document.querySelector(".skip"), "click", () => byId("run").focus()); // the address goes on saying which run is shown
addEventListener("keydown", (event) => {
  if (event.key === "Enter" && (event.ctrlKey || event.metaKey) && byId("start").contains(document.activeElement)) byId("start").requestSubmit();
  if (event.ctrlKey || event.metaKey || event.altKey || /^(INPUT|TEXTAREA|SELECT)$/.test(document.activeElement?.tagName)) return;
  const target = { n: byId("start").elements.value, "/": byId("filter").elements.projectId }[event.key];
  if (target) {
    event.preventDefault();
    target.focus();
  }
});
void open();
