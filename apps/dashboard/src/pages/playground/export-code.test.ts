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

test("TypeScript is a call with the body as it is, and what its library does not know spread into it", async () => {
  const code = codeOf("typescript", "http://127.0.0.1:1", body);
  const call = code.slice(code.indexOf("create(") + "create".length, code.indexOf(";\nconsole.log"));
  const given = await import(`data:text/javascript,${encodeURIComponent(`export default ${call}`)}`);
  expect(given.default).toEqual(body);
  expect(call).toContain('...{ "depinfer"');
});

test.each(["curl", "python", "typescript"] as const)("no key is in the %s code", (language) => {
  expect(codeOf(language, "http://127.0.0.1:1", body)).toContain("YOUR_API_KEY");
});
