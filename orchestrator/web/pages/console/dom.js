// Elements from data. Whatever an event holds becomes text, never markup.

// What a terminal or a page would act on instead of showing it: controls, and marks that turn the direction of writing.
// The joiners of emojis and of Persian words are none; beside ASCII, as in the name of a file, they only deceive.
const UNSEEN = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u061c\u200b\u200e\u200f\u202a-\u202e\u2060-\u2069\ufeff]|(?<=[\u0000-\u007f])[\u200c\u200d]|[\u200c\u200d](?=[\u0000-\u007f])/g;

/** Text as it can be shown: unseen characters become visible ones. */
export function shown(text) {
  return String(text).replace(UNSEEN, (c) => (c < " " ? String.fromCharCode(0x2400 + c.charCodeAt(0)) : "\ufffd"));
}

/** What a node says; one that says it already is left alone, else screen readers would read it out again. */
export function say(node, text) {
  const words = shown(text);
  if (node.textContent !== words) node.textContent = words;
}

/** `el("p.note", {title}, "text", child)`: an element with a class, attributes or listeners, and children. */
export function el(what, attributes = {}, ...children) {
  const [name, ...classes] = what.split(".");
  const node = document.createElement(name);
  if (classes.length) node.className = classes.join(" ");
  for (const [key, value] of Object.entries(attributes)) {
    if (key.startsWith("on")) on(node, key.slice(2), value);
    else if (value !== null && value !== undefined && value !== false) node.setAttribute(key, value === true ? "" : shown(value));
  }
  node.append(...children.filter((child) => child !== null && child !== undefined).map(asNode));
  return node;
}

/** Listens on a button or a form, whose own doings are left out; while what `act` began goes on, another press does nothing. */
export function on(node, type, act) {
  let isBusy = false;
  node.addEventListener(type, async (event) => {
    event.preventDefault();
    if (isBusy) return;
    isBusy = true;
    try {
      await act(event);
    } finally {
      isBusy = false;
    }
  });
}

function asNode(child) {
  return child instanceof Node ? child : document.createTextNode(shown(child));
}

/** Keep `parent`'s children equal to `nodes`, moving as little as possible. */
export function arrange(parent, nodes) {
  nodes.forEach((node, index) => {
    if (parent.children[index] !== node) parent.insertBefore(node, parent.children[index] ?? null);
  });
  while (parent.children.length > nodes.length) parent.lastElementChild.remove();
}

const BLOCK_CHARACTERS = 2000;

/** Text that grows: in blocks, so that a browser lays out the last one only. */
export class Growing {
  constructor(what) {
    this.node = el(what);
    this.length = 0;
  }

  set(text) {
    if (text.length < this.length) {
      this.node.replaceChildren();
      this.length = 0;
    }
    while (this.length < text.length) {
      let block = this.node.lastElementChild;
      if (!block || block.isFull) this.node.append((block = el("span.block")));
      const end = text.indexOf("\n", this.length + BLOCK_CHARACTERS);
      const isFull = end >= 0;
      const piece = text.slice(this.length, isFull ? end + 1 : text.length);
      block.append(shown(piece));
      block.isFull = isFull || block.textContent.length > BLOCK_CHARACTERS * 4;
      this.length += piece.length;
    }
  }
}

export function seconds(ms) {
  if (ms === null || ms === undefined || Number.isNaN(ms)) return "";
  if (ms < 10_000) return `${(ms / 1000).toFixed(1)} s`;
  const whole = Math.round(ms / 1000);
  if (whole < 60) return `${whole} s`;
  const minutes = Math.floor(whole / 60);
  return minutes < 60 ? `${minutes} min ${whole % 60} s` : `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}

export function bytes(size) {
  if (size < 1000) return `${size} B`;
  return size < 1_000_000 ? `${(size / 1000).toFixed(1)} kB` : `${(size / 1_000_000).toFixed(1)} MB`;
}

export function clock(ms) {
  return new Date(ms).toLocaleTimeString([], { hour: "2-digit", minute: "2-digit", second: "2-digit" });
}
