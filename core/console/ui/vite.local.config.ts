import react from "@vitejs/plugin-react";
import { defineConfig } from "vite";

const to = { target: "http://127.0.0.1:18080", ws: true };
export default defineConfig({
  plugins: [react()],
  publicDir: "public",
  server: { port: 15173, host: "127.0.0.1", proxy: { "/api": to, "/oauth": to }, hmr: false },
});
