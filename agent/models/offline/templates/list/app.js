const element = (id) => document.getElementById(id);
const KEY = `list:${document.title}`;
let items = load();

function load() {
  try {
    return JSON.parse(localStorage.getItem(KEY)) ?? [];
  } catch {
    return [];
  }
}

function change(next) {
  items = next;
  try {
    localStorage.setItem(KEY, JSON.stringify(items));
  } catch {
    // a preview has no storage; the list lives as long as its page
  }
  show();
}

function row(item, index) {
  const line = document.createElement("li");
  const label = document.createElement("label");
  const box = document.createElement("input");
  const text = document.createElement("span");
  box.type = "checkbox";
  box.checked = item.done;
  box.addEventListener("change", () => change(toggle(items, index)));
  text.textContent = item.text;
  text.className = item.done ? "done" : "";
  label.append(box, text);
  line.append(label);
  return line;
}

function show() {
  element("items").replaceChildren(...items.map(row));
  element("open").textContent = items.filter((item) => !item.done).length;
}

element("form").addEventListener("submit", (event) => {
  event.preventDefault();
  change(add(items, element("entry").value));
  element("entry").value = "";
});
element("clear").addEventListener("click", () => change(clearDone(items)));
show();
