// TypeScript and JSX files that do not parse, with the project's own compiler, where it is installed.
const fs = require("fs");
const { createRequire } = require("module");

let ts;
try {
  ts = createRequire(process.cwd() + "/package.json")("typescript");
} catch (error) {
  console.log("? TypeScript: its compiler is not installed here, only braces were looked at");
  process.exit(0);
}
for (const path of process.argv.slice(1)) {
  const options = { compilerOptions: { jsx: ts.JsxEmit.Preserve }, fileName: path, reportDiagnostics: true };
  for (const found of ts.transpileModule(fs.readFileSync(path, "utf8"), options).diagnostics || []) {
    const line = found.file ? found.file.getLineAndCharacterOfPosition(found.start).line + 1 : 0;
    console.log(`! ${path.slice(2)}:${line}: ${ts.flattenDiagnosticMessageText(found.messageText, " ")}`);
  }
}
