import type { Command } from "commander";
import { type Access, readAccess } from "../gateway-client.ts";
import { home, json } from "./options.ts";

/** Commands that talk to a gateway take its URL and key, or find the local network's. */
export function buyerCommand(program: Command, usage: string, description: string, example: string): Command {
  return program
    .command(usage)
    .description(description)
    .addOption(home())
    .option("--url <url>", "gateway; the local network's by default")
    .option("--key <key>", "API key; the local network's by default")
    .addOption(json())
    .addHelpText("after", `\nExample:\n  ${example}`);
}

/**
 * URL and key from the flags; what they leave out comes from the local network.
 *
 * @throws DepinferError `access.missing` when one flag is missing and no network was started in `home`.
 */
export function accessOf(options: { home: string; url?: string; key?: string }): Access {
  const { url, key } = options;
  return url !== undefined && key !== undefined
    ? { url, apiKey: key }
    : {
        ...readAccess(options.home),
        ...(url === undefined ? {} : { url }),
        ...(key === undefined ? {} : { apiKey: key }),
      };
}
