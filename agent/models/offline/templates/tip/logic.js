// Money is counted in whole cents, so that no fraction of one is made up or lost.
function split(bill, percent, people) {
  const cents = Math.max(0, Math.round(bill * 100));
  const heads = Math.max(1, Math.floor(people) || 1);
  const tip = Math.round((cents * Math.max(0, percent)) / 100);
  const total = cents + tip;
  // Rounded up: together they must not pay less than the total.
  return { tip: tip / 100, total: total / 100, each: Math.ceil(total / heads) / 100 };
}

if (typeof module !== "undefined") module.exports = { split };
