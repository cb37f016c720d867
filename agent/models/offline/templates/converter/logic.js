// Each unit: what it measures, and value × factor + offset in that quantity's base unit (m, kg, °C).
const UNITS = {
  m: { kind: "length", factor: 1 },
  km: { kind: "length", factor: 1000 },
  in: { kind: "length", factor: 0.0254 },
  ft: { kind: "length", factor: 0.3048 },
  mi: { kind: "length", factor: 1609.344 },
  kg: { kind: "weight", factor: 1 },
  g: { kind: "weight", factor: 0.001 },
  lb: { kind: "weight", factor: 0.45359237 },
  oz: { kind: "weight", factor: 0.028349523125 },
  "°C": { kind: "temperature", factor: 1 },
  "°F": { kind: "temperature", factor: 5 / 9, offset: -160 / 9 },
};

// null: the two units measure different things.
function convert(amount, from, to) {
  const [source, target] = [UNITS[from], UNITS[to]];
  if (source.kind !== target.kind) return null;
  const base = amount * source.factor + (source.offset ?? 0);
  return Number(((base - (target.offset ?? 0)) / target.factor).toPrecision(8));
}

function related(unit) {
  return Object.keys(UNITS).filter((name) => UNITS[name].kind === UNITS[unit].kind);
}

if (typeof module !== "undefined") module.exports = { convert, related };
