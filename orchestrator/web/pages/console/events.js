// Every event as it is stored, one line each; only the lines that can be seen are in the page.
import { clock, el } from "./dom.js";

const LINE_PX = 20;
const SPARE = 20;
const LONGEST = 400;

export class EventList {
  constructor() {
    this.space = el("div.space");
    this.lines = el("ol.lines");
    this.space.append(this.lines);
    this.node = el("div.events", { tabindex: "0", role: "region", "aria-label": "Events" }, this.space);
    this.node.addEventListener("scroll", () => this.draw(this.model));
    this.from = this.to = -1;
  }

  draw(model) {
    this.model = model;
    if (!model || !this.node.isConnected) return;
    const { scrollTop, clientHeight } = this.node;
    this.space.style.height = `${model.events.length * LINE_PX}px`;
    const from = Math.max(0, Math.floor(scrollTop / LINE_PX) - SPARE);
    const to = Math.min(model.events.length, Math.ceil((scrollTop + clientHeight) / LINE_PX) + SPARE);
    if (from === this.from && to === this.to) return;
    [this.from, this.to] = [from, to];
    this.lines.style.transform = `translateY(${from * LINE_PX}px)`;
    this.lines.replaceChildren(...model.events.slice(from, to).map(line));
  }
}

function line(event) {
  const data = JSON.stringify(event.data);
  const text = data.length > LONGEST ? `${data.slice(0, LONGEST)}…` : data;
  return el("li", {}, el("b", {}, event.id ?? "–"), " ", el("time", {}, event.timestamp ? clock(event.timestamp) : ""), " ", el("i", {}, event.type), " ", el("span", {}, event.step ?? ""), " ", text);
}
