import { readdirSync } from "node:fs";
import { defineConfig } from "vite";

const here = import.meta.dirname;
const pages = readdirSync(here, { withFileTypes: true }).filter((entry) => entry.isDirectory() && entry.name !== "dist");

export default defineConfig({
  root: here,
  base: "/examples/",
  esbuild: { jsx: "automatic" },
  resolve: { alias: { "runwire-client/react": `${here}/../js/dist/react.js`, "runwire-client": `${here}/../js/dist/runwire.js` } },
  build: {
    emptyOutDir: true,
    chunkSizeWarningLimit: 2000,
    rollupOptions: { input: pages.map(({ name }) => `${here}/${name}/index.html`) },
  },
});
