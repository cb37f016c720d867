// A list is an array of { text, done }; every function returns a new one.
function add(items, text) {
  const trimmed = text.trim();
  return trimmed ? [...items, { text: trimmed, done: false }] : items;
}

function toggle(items, index) {
  return items.map((item, at) => (at === index ? { ...item, done: !item.done } : item));
}

function clearDone(items) {
  return items.filter((item) => !item.done);
}

if (typeof module !== "undefined") module.exports = { add, toggle, clearDone };
