import { defineConfig } from "@playwright/test";

// The browser is the machine's own Chromium; the pages are those of a running stack.
export default defineConfig({
  testDir: "e2e",
  // Machines that run tests are small and shared: patience costs nothing where all is well.
  timeout: 180_000,
  expect: { timeout: 20_000 },
  retries: process.env.CI ? 1 : 0,
  // Tests that only look (tagged @reads, and the golden pictures) and those with a shop of their
  // own (@apart) run beside those that change the one shop of the stack; those take turns.
  workers: 2,
  projects: [
    { name: "changes", grepInvert: /@reads|@apart|golden\.spec/, workers: 1 },
    { name: "beside", grep: /@reads|@apart|golden\.spec/, workers: 2 },
  ],
  reporter: [["list"]],
  snapshotPathTemplate: "{testDir}/{testFilePath}-snapshots/{arg}{-snapshotSuffix}{ext}",
  outputDir: process.env.LUMO_E2E_OUT ?? "test-results",
  use: {
    baseURL: process.env.LUMO_E2E_URL,
    actionTimeout: 30_000,
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
