const list = document.getElementById("items");
let items = JSON.parse(localStorage.getItem("items") ?? "[]");

function show() {
  localStorage.setItem("items", JSON.stringify(items));
  list.replaceChildren(...items.map((item) => {
    const box = Object.assign(document.createElement("input"), { type: "checkbox", checked: item.done });
    box.addEventListener("change", () => { item.done = box.checked; show(); });
    const line = document.createElement("li");
    line.append(box, item.text);
    return line;
  }));
}

document.querySelector("form").addEventListener("submit", (event) => {
  event.preventDefault();
  const input = document.getElementById("new");
  if (input.value.trim()) items.push({ text: input.value.trim(), done: false });
  input.value = "";
  show();
});
show();
