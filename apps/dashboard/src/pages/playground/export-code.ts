/** Stands for the key, which is not written into code that may be shared. */
const KEY = "YOUR_API_KEY";

export const LANGUAGES = ["curl", "python", "typescript"] as const;
export type Language = (typeof LANGUAGES)[number];

/** The same request as code that runs as it is, but for the key. */
export function codeOf(language: Language, gatewayUrl: string, body: Readonly<Record<string, unknown>>): string {
  const url = `${gatewayUrl}/v1`;
  switch (language) {
    case "curl":
      return [
        `curl ${url}/chat/completions \\`,
        `  -H ${shell(`Authorization: Bearer ${KEY}`)} \\`,
        `  -H "Content-Type: application/json" \\`,
        `  -d ${shell(JSON.stringify(body, null, 2))}`,
      ].join("\n");
    case "python":
      return pythonOf(url, body);
    default: {
      const { depinfer, ...known } = body;
      const text = JSON.stringify(known, null, 2);
      // Spread, for the library's types refuse a literal field that they do not know.
      const whole =
        depinfer === undefined ? text : `${text.slice(0, -2)},\n  ...{ "depinfer": ${JSON.stringify(depinfer)} }\n}`;
      return [
        `import OpenAI from "openai";`,
        "",
        `const client = new OpenAI({ baseURL: ${JSON.stringify(url)}, apiKey: "${KEY}" });`,
        `const answer = await client.chat.completions.create(${whole});`,
        "console.log(answer.choices[0]?.message.content);",
      ].join("\n");
    }
  }
}

function pythonOf(url: string, { depinfer, ...body }: Readonly<Record<string, unknown>>): string {
  const parameters = Object.entries(body).map(([name, value]) => `    ${name}=${python(value)},`);
  // Parameters that the library does not know go through `extra_body`.
  const extra = depinfer === undefined ? [] : [`    extra_body={"depinfer": ${python(depinfer)}},`];
  return [
    "from openai import OpenAI",
    "",
    `client = OpenAI(base_url=${JSON.stringify(url)}, api_key="${KEY}")`,
    "answer = client.chat.completions.create(",
    ...parameters,
    ...extra,
    ")",
    "print(answer.choices[0].message.content)",
  ].join("\n");
}

/** A JSON value as Python writes it; JSON's strings are Python's, too. */
function python(value: unknown): string {
  if (value === null || value === undefined) {
    return "None";
  }
  if (typeof value === "boolean") {
    return value ? "True" : "False";
  }
  if (Array.isArray(value)) {
    return `[${value.map(python).join(", ")}]`;
  }
  if (typeof value === "object") {
    return `{${Object.entries(value)
      .map(([name, part]) => `${JSON.stringify(name)}: ${python(part)}`)
      .join(", ")}}`;
  }
  return JSON.stringify(value);
}

/** One word for a POSIX shell, whatever stands in it. */
function shell(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}
