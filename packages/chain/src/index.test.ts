import { expect, it } from "vitest";
import * as surface from "./index.ts";

it("exports what others may rely on, and nothing else", () => {
  expect(Object.keys(surface).sort()).toEqual([
    "AUDIT_CONTRACTS",
    "ChainError",
    "ChainRevertError",
    "DEPLOY_TERMS",
    "DISPUTE_TERMS",
    "FEE_SHARES",
    "LOCAL_CHAIN_ID",
    "PASS_TERMS",
    "X402_BATCH_CONTRACT",
    "auditEvents",
    "ballotCommitment",
    "createChain",
    "createKeystore",
    "createSigner",
    "deployContracts",
    "eligibleMembers",
    "estimateDeployment",
    "membersAfter",
    "openKeystore",
    "openedReceipt",
    "parseDeployment",
    "placeX402StandIns",
    "previewOf",
    "randomPassphrase",
    "recoverAddress",
    "signerImplementation",
    "startAnvil",
    "termsOf",
    "verifyDeployment",
  ]);
});
