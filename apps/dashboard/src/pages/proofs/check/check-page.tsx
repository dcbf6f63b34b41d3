import { signedReceiptSchema, transcriptSchema } from "@depinfer/protocol";
import { gatewayApi, indexerApi } from "@depinfer/protocol/api";
import { useState } from "react";
import { useNavigate } from "react-router";
import { z } from "zod";
import { useConnection } from "../../../api/connection.tsx";
import { useEndpoint } from "../../../api/use-endpoint.ts";
import { Badge } from "../../../ui/badge.tsx";
import { Button, ButtonLink } from "../../../ui/button.tsx";
import { TextArea } from "../../../ui/field.tsx";
import { Page, Panel } from "../../../ui/panel.tsx";
import { Empty, Failure, Loading } from "../../../ui/state.tsx";
import styles from "./check.module.css";
import { type CheckInput, checkReceipt, type Step } from "./check-receipt.ts";

interface StepText {
  readonly title: string;
  readonly means: string;
  /** What a reader might take it for and must not. */
  readonly not: string;
}

const STEPS: Readonly<Record<Step["name"], StepText>> = {
  signature: {
    title: "Signature",
    means: "The provider said all of this, and cannot deny it.",
    not: "that it is true.",
  },
  opening: {
    title: "Under the root on the chain",
    means: "The provider committed to it before it knew what would be audited.",
    not: "that it was audited.",
  },
  request: {
    title: "Request",
    means: "It answers exactly what was asked: prompt, settings, limits, prices.",
    not: "that the model read all of it; the tokens' margins would tell.",
  },
  terms: {
    title: "Terms",
    means: "Model class, channel and length are the ones that were agreed.",
    not: "that these weights ran.",
  },
  seed: {
    title: "Seed",
    means: "The draw was fixed by both sides' numbers, or by the app's seed, so the provider could not choose it.",
    not: "that the tokens follow from it.",
  },
  tokens: {
    title: "Tokens",
    means: "These are the tokens that the provider signed for, each in its place.",
    not: "that the promised weights draw them.",
  },
  text: {
    title: "Text",
    means: "The text is what was delivered.",
    not: "that it says something right.",
  },
  cost: {
    title: "Cost",
    means: "It cost what the agreed prices say, to the unit.",
    not: "how many tokens the prompt has, and how many were cached: a verifier with the tokenizer counts the first.",
  },
};

const OUTCOMES = {
  holds: { tone: "proof", text: "holds" },
  fails: { tone: "fail", text: "fails" },
  open: { tone: "unsure", text: "not known" },
} as const;

const ID = /^0x[0-9a-f]{64}$/;

/** What can be pasted: what a gateway answers at `/v1/receipts/ID`, or a signed receipt alone. */
const pastedSchema = z.union([
  z.object({ receipt: signedReceiptSchema, transcript: transcriptSchema.nullish() }),
  signedReceiptSchema.transform((receipt) => ({ receipt, transcript: null })),
]);
type Pasted = z.output<typeof pastedSchema>;

/** Checks a receipt in this browser, as far as that goes without the model's weights. */
export function CheckPage({ id }: { readonly id: string }) {
  const navigate = useNavigate();
  const [text, setText] = useState("");
  const [pasted, setPasted] = useState<Pasted | null>(null);
  const [fault, setFault] = useState<string | null>(null);

  function look(): void {
    const wanted = text.trim();
    setFault(null);
    setPasted(null);
    if (ID.test(wanted.toLowerCase())) {
      navigate(`/proofs/check/${wanted.toLowerCase()}`);
      return;
    }
    const parsed = pastedSchema.safeParse(parseJson(wanted));
    if (parsed.success) {
      setPasted(parsed.data);
    } else {
      setFault("This is neither an id (0x and 64 digits) nor a signed receipt in JSON");
    }
  }

  return (
    <Page
      title="Check a receipt"
      lead="Everything here happens in this browser; the servers are asked for data only, and none of them is believed where it can be computed."
      actions={
        <ButtonLink to="/proofs" small kind="quiet">
          All proofs
        </ButtonLink>
      }
    >
      <Panel title="Which receipt">
        <form
          className={styles.form}
          onSubmit={(event) => {
            event.preventDefault();
            look();
          }}
        >
          <TextArea
            label="Id, or the receipt as JSON"
            hint="The value of x-depinfer-receipt, or what /v1/receipts/ID answers."
            rows={3}
            spellCheck={false}
            value={text}
            fault={fault}
            onChange={({ target }) => setText(target.value)}
          />
          <Button kind="primary" type="submit" disabled={text.trim() === ""}>
            Check
          </Button>
        </form>
      </Panel>
      {fault !== null ? null : pasted !== null ? (
        <Checked id={pasted.receipt.receipt.requestId} pasted={pasted} />
      ) : ID.test(id) ? (
        <Checked id={id} pasted={null} />
      ) : (
        id !== "" && <Empty title={`${id.slice(0, 100)} is no id of a receipt`} />
      )}
    </Page>
  );
}

/** Brings together what gateway, indexer and reader know of a receipt. */
function Checked({ id, pasted }: { readonly id: string; readonly pasted: Pasted | null }) {
  const { has } = useConnection();
  const indexed = useEndpoint("indexer", indexerApi.receipt, { params: { id }, enabled: has("indexer") });
  const overview = useEndpoint("indexer", indexerApi.overview, { enabled: has("indexer") });
  const requestId = indexed.data?.receipt.receipt.requestId ?? id;
  const own = useEndpoint("gateway", gatewayApi.receipt, {
    params: { id: requestId },
    enabled: has("gateway") && (!has("indexer") || !indexed.isPending),
  });
  const provider = (pasted?.receipt ?? own.data?.receipt ?? indexed.data?.receipt)?.receipt.provider ?? "";
  const registered = useEndpoint("indexer", indexerApi.provider, {
    params: { provider },
    enabled: has("indexer") && provider !== "",
  });
  const signed = pasted?.receipt ?? indexed.data?.receipt ?? own.data?.receipt ?? null;
  if (signed === null) {
    if (indexed.isFetching || own.isFetching) {
      return <Loading lines={8} what="the receipt" />;
    }
    return (
      <>
        <Empty title="No receipt has this id">
          <p>
            Neither the indexer nor the gateway, with your key, knows it. Receipts are indexed once their epoch is
            posted.
          </p>
        </Empty>
        {indexed.error !== null && <Failure error={indexed.error} retry={() => void indexed.refetch()} />}
      </>
    );
  }
  const { contracts, chainId } = overview.data ?? {};
  const receiptLog = contracts?.receiptLog;
  const input: CheckInput = {
    signed,
    binding: chainId === undefined || receiptLog === undefined ? null : { chainId, verifyingContract: receiptLog },
    receiptKey: registered.data?.receiptKey ?? indexed.data?.receiptKey ?? null,
    transcript: pasted?.transcript ?? own.data?.transcript ?? null,
    opening: indexed.data === undefined ? null : { siblings: indexed.data.merkle.siblings, root: indexed.data.root },
  };
  return <Steps steps={checkReceipt(input)} />;
}

function Steps({ steps }: { readonly steps: readonly Step[] }) {
  const failed = steps.filter(({ outcome }) => outcome === "fails").length;
  const unknown = steps.filter(({ outcome }) => outcome === "open").length;
  return (
    <Panel
      title="What was found"
      note={
        <Badge tone={failed > 0 ? "fail" : unknown > 0 ? "unsure" : "proof"} dot>
          {failed > 0 ? `${failed} of ${steps.length} fail` : unknown > 0 ? `${unknown} not known` : "all hold"}
        </Badge>
      }
    >
      <ol className={styles.steps}>
        {steps.map(({ name, outcome, detail }, index) => (
          <li key={name}>
            <span className={styles.number}>{index + 1}</span>
            <div>
              <h3>
                {STEPS[name].title} <Badge tone={OUTCOMES[outcome].tone}>{OUTCOMES[outcome].text}</Badge>
              </h3>
              <p>
                {STEPS[name].means} <span className={styles.not}>Not shown: {STEPS[name].not}</span>
              </p>
              <p className={styles.detail}>{detail.slice(0, 500)}</p>
            </div>
          </li>
        ))}
      </ol>
      <p>
        What this cannot show is whether the promised weights draw these tokens. That takes the weights: “Verify now” in
        the playground, or npx depinfer verify on any machine. The registered key, contracts and the root are the
        indexer's word, which the chain can confirm.
      </p>
    </Panel>
  );
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
