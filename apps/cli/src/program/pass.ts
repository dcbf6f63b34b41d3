import { addressSchema, type Hex } from "@depinfer/protocol";
import { type Command, InvalidArgumentError } from "commander";
import { ordinal, usd } from "../money/amounts.ts";
import { moneyCommand, moneyOptions, readingCommand } from "./money.ts";
import { integer } from "./values.ts";

const DEFAULT_KEY = "default";

/** `depinfer pass`: subscriptions. */
export function addPassCommands(program: Command): void {
  const pass = program.command("pass").description("subscriptions: a period and a quota of tokens, paid ahead");

  readingCommand(pass, "tiers", "what is sold", "depinfer pass tiers").action(async (options) => {
    const { passTiers } = await import("../commands/pass-tiers.ts");
    await passTiers(moneyOptions(options));
    process.exit(0);
  });
  readingCommand(
    pass,
    "list",
    "passes of this home, what is left of them, and the refund",
    "depinfer pass list",
  ).action(async (options) => {
    const { listPasses } = await import("../commands/pass-list.ts");
    await listPasses(moneyOptions(options));
    process.exit(0);
  });
  moneyCommand(pass, "buy", "buy a pass and let an API key of the gateway spend it", "depinfer pass buy 1")
    .argument("<tier>", "number of the tier", ordinal)
    .option("--key <name>", "API key that spends it", DEFAULT_KEY)
    .action(async (tier, options) => {
      const { buyPass } = await import("../commands/pass.ts");
      await buyPass(tier, options.key, moneyOptions(options));
      process.exit(0);
    });
  readingCommand(pass, "use", "let an API key spend a pass", "depinfer pass use 3 --key alice")
    .argument("<pass>", "number of the pass", ordinal)
    .option("--key <name>", "API key", DEFAULT_KEY)
    .action(async (id, options) => {
      const { usePass } = await import("../commands/pass.ts");
      await usePass(id, options.key, moneyOptions(options));
      process.exit(0);
    });
  readingCommand(pass, "unuse", "let an API key pay per token again", "depinfer pass unuse --key alice")
    .option("--key <name>", "API key", DEFAULT_KEY)
    .action(async (options) => {
      const { unusePass } = await import("../commands/pass.ts");
      await unusePass(options.key, moneyOptions(options));
      process.exit(0);
    });
  moneyCommand(pass, "renew", "pay for another period and quota", "depinfer pass renew 3")
    .argument("<pass>", "number of the pass", ordinal)
    .action(async (id, options) => {
      const { renewPass } = await import("../commands/pass.ts");
      await renewPass(id, moneyOptions(options));
      process.exit(0);
    });
  moneyCommand(pass, "upgrade", "move to a dearer tier; what is left is credited", "depinfer pass upgrade 3 2")
    .argument("<pass>", "number of the pass", ordinal)
    .argument("<tier>", "number of the tier", ordinal)
    .action(async (id, tier, options) => {
      const { upgradePass } = await import("../commands/pass.ts");
      await upgradePass(id, tier, moneyOptions(options));
      process.exit(0);
    });
  moneyCommand(pass, "cancel", "end a pass and begin its refund", "depinfer pass cancel 3")
    .argument("<pass>", "number of the pass", ordinal)
    .action(async (id, options) => {
      const { cancelPass } = await import("../commands/pass-end.ts");
      await cancelPass(id, moneyOptions(options));
      process.exit(0);
    });
  moneyCommand(pass, "settle", "do what is due for an ended pass: close its channels, refund", "depinfer pass settle 3")
    .argument("<pass>", "number of the pass", ordinal)
    .action(async (id, options) => {
      const { settlePass } = await import("../commands/pass-end.ts");
      await settlePass(id, moneyOptions(options));
      process.exit(0);
    });
  moneyCommand(pass, "transfer", "give a pass to another account", "depinfer pass transfer 3 0x5a…")
    .argument("<pass>", "number of the pass", ordinal)
    .argument("<account>", "the new holder", account)
    .action(async (id, to, options) => {
      const { transferPass } = await import("../commands/pass.ts");
      await transferPass(id, to, moneyOptions(options));
      process.exit(0);
    });
  addIssuerCommands(pass);
}

/** What those who sell passes and those who serve them do. */
function addIssuerCommands(pass: Command): void {
  moneyCommand(
    pass,
    "sell",
    "offer passes on terms that never change",
    "depinfer pass sell --price 10 --days 30 --tokens 20000000",
  )
    .requiredOption("--price <dollars>", "of one period", usd)
    .option("--days <count>", "length of a period", integer, 30)
    .option("--seconds <count>", "length of a period in seconds instead, for tests", integer)
    .requiredOption("--tokens <count>", "quota of prompt and answer tokens in a period", ordinal)
    .option("--requests-per-minute <count>", "most requests in a minute", integer, 60)
    .option("--models <names...>", "models that it may be spent on; all by default", [])
    .option("--description <text>", "shown to buyers", "")
    .action(async (options) => {
      const { sellPass } = await import("../commands/pass-tiers.ts");
      await sellPass(
        {
          price: options.price,
          periodSeconds: options.seconds ?? options.days * 86_400,
          quota: options.tokens,
          requestsPerMinute: options.requestsPerMinute,
          models: options.models,
          description: options.description,
        },
        moneyOptions(options),
      );
      process.exit(0);
    });
  readingCommand(
    pass,
    "shares",
    "what providers get of what passes of a tier left unused in a period, and from which receipts",
    "depinfer pass shares 1 20779",
  )
    .argument("<tier>", "number of the tier", ordinal)
    .argument("[period]", "number of the period; the last one by default", ordinal)
    .action(async (tier, period, options) => {
      const { showShares } = await import("../commands/pass-shares.ts");
      await showShares(tier, period, moneyOptions(options));
      process.exit(0);
    });
  moneyCommand(pass, "share", "post the shares of a period, as the tier's issuer", "depinfer pass share 1 20779")
    .argument("<tier>", "number of the tier", ordinal)
    .argument("[period]", "number of the period; the last one by default", ordinal)
    .action(async (tier, period, options) => {
      const { postShares } = await import("../commands/pass-shares.ts");
      await postShares(tier, period, moneyOptions(options));
      process.exit(0);
    });
  moneyCommand(pass, "claim-share", "take a provider's share of a period by its proof", "depinfer pass claim-share 1")
    .argument("<tier>", "number of the tier", ordinal)
    .argument("[period]", "number of the period; the last one by default", ordinal)
    .action(async (tier, period, options) => {
      const { claimShares } = await import("../commands/pass-shares.ts");
      await claimShares(tier, period, moneyOptions(options));
      process.exit(0);
    });
}

function account(text: string): Hex {
  const parsed = addressSchema.safeParse(text);
  if (!parsed.success) {
    throw new InvalidArgumentError(`${JSON.stringify(text)} is not an account: 0x and 40 hexadecimal digits`);
  }
  return parsed.data;
}
