import { defineConfig } from "@playwright/test";

// The browser is the machine's own Chromium; the pages are those of a running stack.
export default defineConfig({
  testDir: "e2e",
  // Machines that run tests are small and shared: patience costs nothing where all is well.
  timeout: 180_000,
  expect: { timeout: 20_000 },
  retries: process.env.CI ? 1 : 0,
  workers: 2,
  // Files run side by side on one stack. A test that changes what others rely on (stops sending,
  // moves the clock, switches faults on) is tagged @alone and waits until they are done.
  projects: [
    { name: "together", grepInvert: /@alone/ },
    { name: "alone", grep: /@alone/, workers: 1, dependencies: ["together"] },
  ],
  reporter: [["list"]],
  snapshotPathTemplate: "{testDir}/{testFilePath}-snapshots/{arg}{-snapshotSuffix}{ext}",
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
