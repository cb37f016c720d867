const element = (id) => document.getElementById(id);
const options = (names) => names.map((name) => new Option(name, name));

function fillTargets(wanted) {
  element("to").replaceChildren(...options(related(element("from").value)));
  if (wanted) element("to").value = wanted;
}

function show() {
  const { value: to } = element("to");
  const result = convert(Number(element("amount").value), element("from").value, to);
  element("result").textContent = `${result.toLocaleString(undefined, { maximumFractionDigits: 6 })} ${to}`;
}

element("from").append(...options(Object.keys(UNITS)));
element("from").value = "km";
fillTargets("mi");
element("from").addEventListener("change", () => fillTargets());
element("swap").addEventListener("click", () => {
  const previous = element("from").value;
  element("from").value = element("to").value;
  fillTargets(previous);
  show();
});
document.addEventListener("input", show);
document.addEventListener("change", show);
show();
