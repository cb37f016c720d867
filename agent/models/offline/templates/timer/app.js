const element = (id) => document.getElementById(id);
let left = 0;
let endsAt = null; // null: paused

function show() {
  element("left").textContent = clock(left);
  element("start").textContent = endsAt === null ? "Start" : "Pause";
  document.title = endsAt === null ? element("left").textContent : `${clock(left)} …`;
}

function reset() {
  endsAt = null;
  left = Math.max(1, Math.floor(Number(element("minutes").value)) || 1) * 60;
  show();
}

function tick() {
  if (endsAt === null) return;
  left = secondsLeft(endsAt, Date.now());
  if (left === 0) endsAt = null;
  show();
}

element("start").addEventListener("click", () => {
  if (left === 0) reset();
  endsAt = endsAt === null ? Date.now() + left * 1000 : null;
  show();
});
element("reset").addEventListener("click", reset);
element("minutes").addEventListener("input", reset);
setInterval(tick, 200);
reset();
