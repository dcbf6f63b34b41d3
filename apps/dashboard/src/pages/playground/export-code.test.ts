import { execFileSync } from "node:child_process";
import { expect, test } from "vitest";
import { codeOf } from "./export-code.ts";

const body = {
  model: "m",
  messages: [{ role: "user", content: `It's "quoted" $HOME \`id\` \\ é\n` }],
  stop: ["'; rm -rf /"],
  stream: false,
  depinfer: { minProof: "seeded", hedge: true },
};

test("a shell reads from the curl line exactly the body that was meant", () => {
  const code = codeOf("curl", "http://127.0.0.1:1", body).replace(/^curl/, "printf '%s\\n'");
  const printed = execFileSync("sh", ["-c", code], { encoding: "utf8" });
  expect(JSON.parse(printed.slice(printed.indexOf("{")))).toEqual(body);
});

test("Python gets its own constants, and what its library does not know in extra_body", () => {
  const code = codeOf("python", "http://127.0.0.1:1", body);
  expect(code).toContain("stream=False");
  expect(code).toContain('extra_body={"depinfer": {"minProof": "seeded", "hedge": True}}');
});

test("TypeScript is a module with the body as it is", () => {
  expect(codeOf("typescript", "http://127.0.0.1:1", body)).toContain(JSON.stringify(body, null, 2));
});

test.each(["curl", "python", "typescript"] as const)("no key is in the %s code", (language) => {
  expect(codeOf(language, "http://127.0.0.1:1", body)).toContain("YOUR_API_KEY");
});
