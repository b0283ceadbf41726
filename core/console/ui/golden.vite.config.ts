import { resolve } from "node:path";
import react from "@vitejs/plugin-react";
import { defineConfig } from "vite";

// The pages of the golden messages, for the browser tests alone.
export default defineConfig({
  root: resolve(import.meta.dirname, "e2e/golden"),
  plugins: [react()],
  logLevel: "error",
});
