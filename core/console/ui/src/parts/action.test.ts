import { expect, test } from "vitest";
import { ApiError } from "../api";
import { persist } from "./action";

test("what got no answer is asked again under the same key", async () => {
  const keys: string[] = [];
  let told = 0;
  const answer = await persist(
    async (key) => {
      keys.push(key["Idempotency-Key"]);
      if (keys.length < 3) throw new TypeError("no network");
      return "done";
    },
    () => told++,
    0,
  );
  expect(answer).toBe("done");
  expect(new Set(keys).size).toBe(1);
  expect(told).toBe(2);
});

test("a refusal is not repeated", async () => {
  let n = 0;
  const refused = new ApiError(400, "No.", "abc", {}, "invalid", 0);
  await expect(
    persist(
      async () => {
        n++;
        throw refused;
      },
      () => {},
      0,
    ),
  ).rejects.toBe(refused);
  expect(n).toBe(1);
});
