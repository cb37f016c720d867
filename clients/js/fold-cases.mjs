// Folds the cases that are named as arguments; prints the states as one JSON list. `npm ci && tsc -p js` come first.
import { readFile } from "node:fs/promises";
import { fold } from "./dist/runwire.js";

const states = [];
for (const path of process.argv.slice(2)) states.push(fold(JSON.parse(await readFile(path, "utf8")).events));
console.log(JSON.stringify(states));
