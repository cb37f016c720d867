// JavaScript files that parse neither as a script nor as a module. Nothing of them is run.
const fs = require("fs");
const vm = require("vm");
const { spawnSync } = require("child_process");

const COMMONJS = ["exports", "require", "module", "__filename", "__dirname"];

function failure(parse) {
  try {
    parse();
  } catch (error) {
    return error;
  }
}

// An error's stack begins with its place, but for modules, where only node itself tells it.
function lineIn(trace, name) {
  const found = String(trace).split("\n").find((line) => line.startsWith(name + ":"));
  return found ? Number(found.slice(name.length + 1)) : 0;
}

function lineInModule(text) {
  const asked = spawnSync(process.execPath, ["--input-type=module", "--check", "-"], { input: text });
  return lineIn(asked.stderr, "[stdin]");
}

for (const path of process.argv.slice(1)) {
  let text;
  try {
    text = fs.readFileSync(path, "utf8");
  } catch (error) {
    console.log(`? ${path.slice(2)}: ${error.code}`);
    continue;
  }
  const script = text.replace(/^#!.*/, "");
  const asScript = failure(() => vm.compileFunction(script, COMMONJS, { filename: path }));
  if (!asScript) continue;
  const asModule = failure(() => new vm.SourceTextModule(text, { identifier: path }));
  if (!asModule) continue;
  const isModule = /^\s*(import|export)\b/m.test(text) || path.endsWith(".mjs");
  const line = isModule ? lineInModule(text) : lineIn(asScript.stack, path);
  console.log(`! ${path.slice(2)}:${line}: ${String((isModule ? asModule : asScript).message).split("\n")[0]}`);
}
