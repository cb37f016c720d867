// The run's files: a list, and one of them with colours, or as what has changed in it.
import { get, words } from "./api.js";
import { arrange, bytes, el } from "./dom.js";
import { highlighted } from "./highlight.js";

export class Files {
  constructor(runId) {
    this.runId = runId;
    this.list = el("ul.names");
    this.shown = el("div.file", {}, el("p.note", {}, "No file yet"));
    this.node = el("div.files", {}, this.list, this.shown);
    this.rows = new Map();
    this.path = null;
  }

  draw(model) {
    this.model = model;
    const paths = [...model.files.keys()].sort();
    arrange(this.list, paths.map((path) => this.row(path, model.files.get(path))));
    if (this.path === null && paths.length) this.open(paths[0]);
    else if (this.path !== null && model.files.get(this.path) !== this.file) this.open(this.path);
  }

  row(path, file) {
    let row = this.rows.get(path);
    if (!row) {
      const button = el("button.link", { onclick: () => this.open(path) }, path);
      row = { node: el("li", {}, button, " ", el("small")), button, size: null };
      this.rows.set(path, row);
    }
    row.node.lastChild.textContent = file.isDeleted ? "" : bytes(file.size);
    row.button.classList.toggle("undone", Boolean(file.isDeleted));
    row.button.setAttribute("aria-current", String(path === this.path));
    return row.node;
  }

  open(path) {
    this.path = path;
    const file = (this.file = this.model?.files.get(path));
    for (const [name, row] of this.rows) row.button.setAttribute("aria-current", String(name === path));
    if (!file) {
      return void this.shown.replaceChildren(el("p.note", {}, `${path} is not there`));
    }
    if (file.isDeleted) return void this.changes(path);
    const changes = el("button.quiet", { onclick: () => this.changes(path) }, "What this run changed");
    const cut = file.truncated ? el("p.note", {}, "Shown in part") : null;
    const body = file.binary ? el("p.note", {}, "Not text") : highlighted(path, file.content);
    this.shown.replaceChildren(el("h3", {}, path), changes, ...(cut ? [cut] : []), body);
  }

  async changes(path) {
    const head = el("h3", {}, path);
    const back = el("button.quiet", { onclick: () => this.open(path) }, "The file");
    try {
      const diff = await get(`/agent/run/${this.runId}/diff`);
      const file = diff.files.find((one) => one.path === path);
      if (this.path !== path) return; // another one was chosen meanwhile
      this.shown.replaceChildren(head, ...(this.file.isDeleted ? [] : [back]), file ? patch(file) : el("p.note", {}, "This run has not changed it"));
    } catch (error) {
      this.shown.replaceChildren(head, back, el("p.problem", {}, words(error)));
    }
  }
}

function patch(file) {
  if (!file.diff) return el("p.note", {}, `${file.change}: ${file.omitted ?? "nothing to show"}`);
  const pre = el("pre.code", { tabindex: "0" });
  for (const line of file.diff.split("\n")) {
    const kind = line.startsWith("+") ? "added" : line.startsWith("-") ? "removed" : line.startsWith("@@") ? "place" : "same";
    pre.append(el(`span.${kind}`, {}, `${line}\n`));
  }
  return pre;
}
