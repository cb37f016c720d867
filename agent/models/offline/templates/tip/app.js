const element = (id) => document.getElementById(id);
const money = new Intl.NumberFormat(undefined, { minimumFractionDigits: 2, maximumFractionDigits: 2 });

function show() {
  const percent = Number(element("percent").value);
  const result = split(Number(element("bill").value), percent, Number(element("people").value));
  element("percent-shown").textContent = `${percent} %`;
  element("tip").textContent = money.format(result.tip);
  element("total").textContent = money.format(result.total);
  element("each").textContent = money.format(result.each);
}

document.addEventListener("input", show);
show();
