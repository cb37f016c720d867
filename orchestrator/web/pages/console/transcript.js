// What was said and done, in order: text, reasoning, commands with their output, questions to the user, files, notes.
import { el, Growing, say, seconds } from "./dom.js";

const AT_THE_END_PX = 80;

export class Transcript {
  /** `onAnswer(approvalId, allow)`, `onFile(path)`. */
  constructor({ onAnswer, onFile }) {
    this.views = new Map();
    this.makers = {
      text: () => growing("div.said", (item) => item.text),
      reasoning: () => folded("reasoning", "Reasoning", (item) => item.text),
      user: (item) => fixed("div.user", item.text),
      note: (item) => (item.path ? file(item, onFile) : fixed("p.note", item.text)),
      tool: (item) => tool(item),
      approval: (item) => approval(item, onAnswer),
    };
    this.node = el("div.transcript", { role: "log", "aria-label": "Transcript" });
  }

  draw(model) {
    const page = document.scrollingElement;
    const follows = page.scrollHeight - page.scrollTop - page.clientHeight < AT_THE_END_PX;
    for (const item of model.changed) this.view(item);
    model.changed.clear();
    if (follows && !model.end) page.scrollTop = page.scrollHeight;
  }

  view(item) {
    let view = this.views.get(item);
    if (!view) {
      view = this.makers[item.kind](item);
      view.node.classList.add("item");
      this.views.set(item, view);
      this.node.append(view.node);
    }
    view.update?.(item);
    view.node.classList.toggle("undone", Boolean(item.undone));
  }
}

function fixed(what, text) {
  return { node: el(what, {}, text) };
}

function growing(what, read) {
  const text = new Growing(what);
  return { node: text.node, update: (item) => text.set(read(item)) };
}

function folded(name, title, read) {
  const text = new Growing("div");
  return { node: el(`details.${name}`, {}, el("summary", {}, title), text.node), update: (item) => text.set(read(item)) };
}

function file(item, onFile) {
  return { node: el("p.note", {}, el("button.link", { onclick: () => onFile(item.path) }, item.text)) };
}

function tool(item) {
  const stdout = new Growing("pre.out"), stderr = new Growing("pre.err");
  const result = el("p.result");
  const head = el("summary", {}, el("b", {}, item.tool), " ", el("code", {}, brief(item.args)));
  const args = el("pre.args", {}, JSON.stringify(item.args, null, 2));
  const node = el("details.tool", { open: true }, head, el("details", {}, el("summary", {}, "Arguments"), args), stdout.node, stderr.node, result);
  return {
    node,
    update(now) {
      stdout.set(now.stdout);
      stderr.set(now.stderr);
      const { result: end } = now;
      say(result, end ? `${end.ok ? "✓" : "✗"} ${end.note ?? ""} ${seconds(end.elapsed)}` : "…");
      result.classList.toggle("failed", end !== null && !end.ok);
    },
  };
}

const BRIEF_CHARACTERS = 160;

function brief(args) {
  const names = Array.isArray(args.files) ? args.files.map((file) => file?.path ?? file) : Object.keys(args.files ?? {});
  const text = args.command ?? args.path ?? names.join(", ");
  const line = String(text || JSON.stringify(args)).replace(/\s+/g, " ");
  return line.length > BRIEF_CHARACTERS ? `${line.slice(0, BRIEF_CHARACTERS)}…` : line;
}

function approval(item, onAnswer) {
  // One listener: an answer is not followed by the other one.
  const answer = ({ target }) => target.value && onAnswer(item.approvalId, target.value === "yes");
  const button = (what, value, text) => el(what, { value }, text);
  const buttons = el("p.buttons", { onclick: answer }, button("button", "yes", "Allow"), button("button.danger", "no", "Forbid"));
  const said = el("p.result");
  const node = el("section.approval", { role: "alert" }, el("h3", {}, "May this run?"), el("pre", {}, item.args.command ?? JSON.stringify(item.args, null, 2)), buttons, said);
  return {
    node,
    update(now) {
      buttons.hidden = now.allow !== null || Boolean(now.undone);
      say(said, now.allow === null ? "" : now.allow ? "Allowed" : `Forbidden${now.reason ? `: ${now.reason}` : ""}`);
    },
  };
}
