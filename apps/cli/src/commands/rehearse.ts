import { accountsToJson, printAccounts } from "../dispute/show.ts";
import { tell, titleOf } from "../dispute/stories.ts";
import type { Story } from "../dispute/story-names.ts";
import { createSteps } from "../up/steps.ts";

/**
 * `depinfer rehearse STORY`: one story about disputes on a fresh local network that is gone afterwards. Exit code 0 only
 * if the balances are as the story claims.
 */
export async function rehearse(story: Story, json: boolean): Promise<number> {
  const steps = createSteps();
  steps.notice("REHEARSAL on this machine, with test money without value and parties that play their parts");
  steps.notice(titleOf(story));
  const { state, accounts, claims } = await tell(story, steps);
  if (json) {
    console.log(
      JSON.stringify({ story, dispute: state.id, outcome: state.outcome, accounts: accountsToJson(accounts), claims }),
    );
  } else {
    console.log(`\nDispute ${state.id}: ${state.outcome ?? "no outcome"}${state.salt ? " (a salt)" : ""}\n`);
    printAccounts(accounts);
    console.log("");
    for (const { says, holds } of claims) {
      console.log(`  ${holds ? "✓" : "✗"} ${says}`);
    }
  }
  return claims.every(({ holds }) => holds) ? 0 : 1;
}
