// The list of runs, newest first, with its filters; looked at again while the page is seen.
import { get, words } from "./api.js";
import { arrange, el, say } from "./dom.js";

const REFRESH_MS = 4000;
const STATES = ["queued", "running", "waiting", "complete", "failed", "refused", "cancelled", "timeout", "lost"];

export class Runs {
  constructor() {
    this.list = document.getElementById("runs");
    this.filter = document.getElementById("filter");
    this.older = document.getElementById("more");
    this.problem = this.list.parentElement.querySelector(".problem");
    this.rows = new Map();
    this.pages = 1;
    for (const state of STATES) this.filter.elements.status.append(el("option", { value: state }, state));
    this.filter.addEventListener("input", () => this.restart());
    this.filter.addEventListener("submit", (event) => event.preventDefault());
    this.older.addEventListener("click", () => {
      this.pages += 1;
      void this.refresh();
    });
    setInterval(() => document.visibilityState === "visible" && this.isOn && void this.refresh(), REFRESH_MS);
  }

  restart() {
    this.pages = 1;
    void this.refresh();
  }

  async refresh() {
    const asked = (this.asked = Symbol());
    const wanted = new FormData(this.filter);
    try {
      const found = [];
      let before = "";
      for (let page = 0; page < this.pages && before !== null; page++) {
        const query = new URLSearchParams();
        for (const [name, value] of [...wanted, ["before", before]]) if (value) query.set(name, value);
        const answer = await get(`/agent/runs?${query}`);
        found.push(...answer.runs);
        before = answer.next ?? null;
      }
      if (asked !== this.asked) return; // another one was begun meanwhile
      this.problem.textContent = "";
      this.older.hidden = before === null;
      arrange(this.list, found.map((run) => this.row(run)));
      for (const id of this.rows.keys()) if (!found.some((run) => run.runId === id)) this.rows.delete(id);
    } catch (error) {
      say(this.problem, words(error));
    }
  }

  row(run) {
    let row = this.rows.get(run.runId);
    if (!row) {
      const link = el("a", { href: `#/run/${run.runId}` });
      row = { node: el("li", {}, link), link };
      this.rows.set(run.runId, row);
    }
    const mark = `${run.status}/${run.outcome}`;
    if (row.mark !== mark) {
      row.mark = mark;
      const title = run.title || run.runId;
      const state = run.status === "complete" ? (run.outcome ?? "complete") : run.status;
      const when = run.createdAt ? new Date(run.createdAt).toLocaleString([], { dateStyle: "short", timeStyle: "short" }) : "";
      row.link.replaceChildren(el("bdi.title", {}, title), el(`span.state.${state}`, {}, state), el("small", {}, el("bdi", {}, run.projectId ?? ""), ` · ${when}`));
    }
    row.link.setAttribute("aria-current", String(location.hash === row.link.getAttribute("href")));
    return row.node;
  }
}
