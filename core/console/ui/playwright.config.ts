import { defineConfig } from "@playwright/test";

// The browser is the machine's own Chromium; the pages are those of a running stack.
export default defineConfig({
  testDir: "e2e",
  timeout: 60_000,
  workers: 1,
  reporter: [["list"]],
  outputDir: process.env.LUMO_E2E_OUT ?? "test-results",
  use: {
    baseURL: process.env.LUMO_E2E_URL,
    launchOptions: {
      executablePath: process.env.LUMO_CHROMIUM ?? "/usr/bin/chromium",
      args: [
        "--no-sandbox",
        "--disable-gpu",
        "--disable-quic",
        "--disable-dev-shm-usage",
        "--disable-background-networking",
        "--disable-component-update",
        "--disable-sync",
        "--no-first-run",
      ],
    },
  },
});
