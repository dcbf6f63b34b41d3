import { FEE_SHARES } from "@depinfer/chain";
import { addressSchema, type Hex } from "@depinfer/protocol";
import { type Command, InvalidArgumentError, Option } from "commander";
import type { FeePayees } from "../deployment-file.ts";
import { home, json } from "./options.ts";

/** `depinfer deploy`: the contracts, on any chain. */
export function addDeployCommand(program: Command): void {
  program
    .command("deploy")
    .description("make the contracts on a chain, or check those that are there")
    .option("--rpc-url <url>", "endpoint of the chain")
    .option("--key-file <file>", "file with the private key that pays for it")
    .option("--token <address>", "the stable coin; without it a TEST token without value is made", account)
    .addOption(
      new Option("--fee-payee <share=address...>", `who gets a share of the fee: ${Object.keys(FEE_SHARES).join(", ")}`)
        .argParser(payee)
        .default({}, "the insurance of buyers gets every share that has no payee"),
    )
    .option("--yes", "do not ask")
    .option(
      "--verify",
      "compare the code on the chain with what the sources here compile to; exit code 1 if it differs",
    )
    .addOption(home())
    .addOption(json())
    .addHelpText(
      "after",
      "\nExamples:\n  depinfer deploy --rpc-url https://rpc.example --key-file deployer.key --token 0x8335…2913" +
        "\n  depinfer deploy --verify --rpc-url https://rpc.example\n  depinfer deploy --verify",
    )
    .action(async (options) => {
      const { deploy, verify } = await import("../commands/deploy.ts");
      const common = { home: options.home, json: options.json === true };
      if (options.verify === true) {
        process.exit(await verify({ ...common, rpcUrl: options.rpcUrl }));
      }
      if (options.rpcUrl === undefined) {
        program.error("error: --rpc-url is needed; `depinfer up` makes its own contracts");
      }
      const { rpcUrl, keyFile, token, feePayee, yes } = options;
      process.exit(await deploy({ ...common, rpcUrl, keyFile, token, feePayees: feePayee, yes: yes === true }));
    });
}

function account(text: string): Hex {
  const parsed = addressSchema.safeParse(text);
  if (!parsed.success) {
    throw new InvalidArgumentError(`${JSON.stringify(text)} is not 0x and 40 hexadecimal digits`);
  }
  return parsed.data;
}

function payee(text: string, before: FeePayees): FeePayees {
  const [share = "", address = ""] = text.split("=");
  if (!Object.hasOwn(FEE_SHARES, share)) {
    throw new InvalidArgumentError(`${JSON.stringify(share)} is none of ${Object.keys(FEE_SHARES).join(", ")}`);
  }
  return { ...before, [share]: account(address) };
}
