import { resolve } from "node:path";
import react from "@vitejs/plugin-react";
import { defineConfig } from "vite";

// The simulator's pages use the console's packages and its phone; they have none of their own.
const own = import.meta.dirname;
const pages = resolve(own, "../../../tools/sim/ui");

export default defineConfig({
  root: pages,
  plugins: [react()],
  publicDir: resolve(own, "public"),
  resolve: {
    alias: [
      { find: "@phone", replacement: resolve(own, "src/phone") },
      { find: /^react(\/.*)?$/, replacement: `${resolve(own, "node_modules/react")}$1` },
      { find: /^react-dom(\/.*)?$/, replacement: `${resolve(own, "node_modules/react-dom")}$1` },
    ],
  },
  build: { outDir: resolve(pages, "dist"), emptyOutDir: true, assetsInlineLimit: 0 },
});
