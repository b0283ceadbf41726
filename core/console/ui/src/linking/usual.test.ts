import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import words from "../../locales/en/linking.json";

// What the editor of a form shows as usual is what the script on the shop's page says.
test.each(["ja", "zh", "th", "en"])("the usual words of a form are those of its script: %s", (language) => {
  const script = readFileSync("../../../plugins/qr/script.go", "utf8");
  const said = new RegExp(`\\b${language}: \\{(.*?)\\}`).exec(script)?.[1] ?? "";
  for (const name of ["title", "button", "code", "close"])
    expect(said).toContain(
      `${name}: "${words[`linking.forms.usual.${language}.${name}` as keyof typeof words]}"`,
    );
});
