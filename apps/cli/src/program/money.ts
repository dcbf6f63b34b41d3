import type { Command } from "commander";
import { usd } from "../money/amounts.ts";
import { home, json } from "./options.ts";
import { integer } from "./values.ts";

/** Flags of every command that moves money. */
export function moneyCommand(parent: Command, name: string, description: string, example: string): Command {
  return readingCommand(parent, name, description, example).option(
    "--dry-run",
    "say what would be done and what it would cost, and send nothing",
  );
}

/** Flags of every command that looks at money. */
export function readingCommand(parent: Command, name: string, description: string, example: string): Command {
  return parent
    .command(name)
    .description(description)
    .option("--service <name>", "which service of this home: gateway, provider-1, or provider for all of them")
    .option("--rpc-url <url>", "endpoint of the chain instead of the network file's")
    .addOption(home())
    .addOption(json())
    .addHelpText("after", `\nExample:\n  ${example}`);
}

/** What the flags of a money command say. */
export function moneyOptions(options: {
  home: string;
  service?: string;
  rpcUrl?: string;
  dryRun?: boolean;
  json?: boolean;
}) {
  return {
    home: options.home,
    service: options.service,
    dryRun: options.dryRun === true,
    json: options.json === true,
    ...(options.rpcUrl === undefined ? {} : { rpcUrl: options.rpcUrl }),
  };
}

/** `depinfer money`, `deposit`, `withdraw`, `claim`, `settle` and `stake`. */
export function addMoneyCommands(program: Command): void {
  const money = program.command("money").description("where your money is");
  readingCommand(
    money,
    "where",
    "every unit: where it is, when it unlocks, and the command that frees it",
    "depinfer money where",
  ).action(async (options) => {
    const { moneyWhere } = await import("../commands/money.ts");
    await moneyWhere(moneyOptions(options));
    process.exit(0);
  });

  moneyCommand(
    program,
    "deposit",
    "move dollars from a wallet into its deposit, from which channels are opened",
    "depinfer deposit 25",
  )
    .argument("<dollars>", "how much, such as 25 or 0.50", usd)
    .action(async (amount, options) => {
      const { deposit } = await import("../commands/money.ts");
      await deposit(amount, moneyOptions(options));
      process.exit(0);
    });

  moneyCommand(
    program,
    "withdraw",
    "move the free deposit back to the wallet; channels whose notice is over are closed first",
    "depinfer withdraw --channels",
  )
    .argument("[dollars]", "how much; all by default", usd)
    .option("--channels", "also give notice on every open channel of the account")
    .action(async (amount, options) => {
      const { withdraw } = await import("../commands/money.ts");
      await withdraw(amount, { ...moneyOptions(options), channels: options.channels === true });
      process.exit(0);
    });

  readingCommand(
    program,
    "settle",
    "post the epoch and redeem the vouchers of every provider in this home that runs",
    "depinfer settle",
  ).action(async (options) => {
    const { settle } = await import("../commands/claim.ts");
    await settle(moneyOptions(options));
    process.exit(0);
  });

  moneyCommand(
    program,
    "claim",
    "move what was earned, refunded or awarded into the wallets",
    "depinfer claim --service provider",
  ).action(async (options) => {
    const { claim } = await import("../commands/claim.ts");
    await claim(moneyOptions(options));
    process.exit(0);
  });

  addStakeCommands(program);
}

function addStakeCommands(program: Command): void {
  const stake = program.command("stake").description("collateral behind a provider's or validator's slots");
  readingCommand(stake, "show", "what is bonded, and what is on its way out", "depinfer stake show").action(
    async (options) => {
      const { showStake } = await import("../commands/stake.ts");
      await showStake(moneyOptions(options));
      process.exit(0);
    },
  );
  moneyCommand(stake, "add", "bond collateral for further slots", "depinfer stake add 2 --service provider-1")
    .argument("<slots>", "slots to add; 0 adds collateral alone", integer)
    .option("--amount <dollars>", "instead of the least that the slots need", usd)
    .action(async (slots, options) => {
      const { addStake } = await import("../commands/stake.ts");
      await addStake(slots, options.amount, moneyOptions(options));
      process.exit(0);
    });
  moneyCommand(
    stake,
    "remove",
    "give up slots and begin to take their stake back",
    "depinfer stake remove 1 --service provider-1",
  )
    .argument("<slots>", "slots to give up; 0 takes collateral alone", integer)
    .option("--amount <dollars>", "instead of the least that the slots needed", usd)
    .action(async (slots, options) => {
      const { removeStake } = await import("../commands/stake.ts");
      await removeStake(slots, options.amount, moneyOptions(options));
      process.exit(0);
    });
  moneyCommand(
    stake,
    "keep",
    "leave stake bonded that was on its way out",
    "depinfer stake keep --service provider-1",
  ).action(async (options) => {
    const { keepStake } = await import("../commands/stake.ts");
    await keepStake(moneyOptions(options));
    process.exit(0);
  });
  moneyCommand(
    stake,
    "take",
    "move stake whose delay is over into the wallet",
    "depinfer stake take --service provider-1",
  ).action(async (options) => {
    const { takeStake } = await import("../commands/stake.ts");
    await takeStake(moneyOptions(options));
    process.exit(0);
  });
}
