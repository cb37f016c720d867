import { readdirSync } from "node:fs";
import { defineConfig } from "vite";

const here = import.meta.dirname;
const examples = readdirSync(`${here}/examples`).map((name) => `${here}/examples/${name}/index.html`);

export default defineConfig({
  root: here,
  esbuild: { jsx: "automatic" },
  resolve: { alias: { "runwire-client/react": `${here}/js/dist/react.js`, "runwire-client": `${here}/js/dist/runwire.js` } },
  build: { chunkSizeWarningLimit: 2000, rollupOptions: { input: [...examples, `${here}/chaos/index.html`] } },
});
