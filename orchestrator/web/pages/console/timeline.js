// One row a step, one bar an attempt, in their places in time; waits between attempts, and marks where a run was moved.
import { arrange, clock, el, seconds, shown } from "./dom.js";

const REDRAW_MS = 900;

export class Timeline {
  /** `onFork(step)`: somebody wants to start again from there. */
  constructor(onFork) {
    this.onFork = onFork;
    this.rows = new Map();
    this.list = el("ol.steps");
    this.marks = el("div.marks", { "aria-hidden": "true" });
    this.node = el("div.timeline", {}, this.marks, this.list);
  }

  /** At most once a second, but for new steps and the end: all bars move when time goes on. */
  draw(model, now) {
    const mark = `${model.steps.size}/${model.markers.length}/${model.end !== null}`;
    if (mark === this.mark && (model.end || now - this.drawn < REDRAW_MS)) return;
    this.mark = mark;
    this.drawn = now;
    const from = model.began ?? now;
    const to = Math.max(model.end ? model.end.timestamp : now, from + 1000);
    const place = (at) => `${(100 * (at - from)) / (to - from)}%`;
    const rows = [...model.steps.values()].map((step) => this.row(step, place, to, model.end !== null));
    arrange(this.list, rows);
    const marks = model.markers.map((marker) => {
      marker.node ??= el("i.mark", { title: `${clock(marker.at)} ${marker.text}` });
      marker.node.style.left = place(marker.at);
      return marker.node;
    });
    arrange(this.marks, marks);
  }

  row(step, place, to, isOver) {
    let row = this.rows.get(step.name);
    if (!row) {
      const fork = el("button.quiet", { "aria-label": `Fork from ${step.name}`, onclick: () => this.onFork(step.name) }, "Fork");
      row = { node: el("li"), name: el("span.name", {}, step.name), time: el("span.time"), track: el("span.track", { role: "img" }), fork, bars: [] };
      row.node.append(row.name, row.track, row.time, fork);
      this.rows.set(step.name, row);
    }
    const bars = [];
    if (step.waitsFrom) bars.push(this.bar(row, 0, "wait", step.waitsFrom, step.attempts[0].from, "", place));
    step.attempts.forEach((attempt, index) => {
      const before = step.attempts[index - 1];
      if (before) bars.push(this.bar(row, bars.length, "wait", before.to ?? before.latest, attempt.from, before.why, place));
      bars.push(this.bar(row, bars.length, attempt.state, attempt.from, attempt.to ?? (isOver ? attempt.latest : to), attempt.why, place));
    });
    const last = step.attempts.at(-1);
    if (last.state === "undone" && !isOver) bars.push(this.bar(row, bars.length, "wait", last.to, to, last.why, place));
    arrange(row.track, bars);
    const ended = last.to ?? (isOver ? last.latest : to);
    row.time.textContent = seconds(ended - step.attempts[0].from);
    const tries = step.attempts.length > 1 ? `, ${step.attempts.length} attempts` : "";
    const whys = step.attempts.map(({ why }) => why && `. ${why}`).join("");
    row.track.setAttribute("aria-label", shown(`${last.state}, ${row.time.textContent}${tries}${whys}`));
    row.fork.hidden = last.state !== "done";
    return row.node;
  }

  bar(row, index, state, from, to, why, place) {
    const bar = (row.bars[index] ??= el("i"));
    bar.className = `bar ${state}`;
    bar.style.left = place(from);
    bar.style.width = `max(2px, calc(${place(to)} - ${place(from)}))`;
    bar.title = shown(`${state}, ${seconds(to - from)}${why ? `. ${why}` : ""}`);
    return bar;
  }
}
