import { type GatewayModel, gatewayApi } from "@depinfer/protocol/api";
import { useCallback, useEffect, useMemo, useRef, useState } from "react";
import { useSearchParams } from "react-router";
import { useConnection } from "../../api/connection.tsx";
import { useEndpoint } from "../../api/use-endpoint.ts";
import { perMillion } from "../../format/money.ts";
import { count, plural } from "../../format/number.ts";
import { Button, ButtonLink } from "../../ui/button.tsx";
import { Page } from "../../ui/panel.tsx";
import { Empty, Failure } from "../../ui/state.tsx";
import { AnswerDrawer } from "./answer-drawer.tsx";
import { BeforeSending } from "./before-sending.tsx";
import { Composer } from "./composer.tsx";
import { messagesOf } from "./conversation.ts";
import { ExportDrawer } from "./export-drawer.tsx";
import { Message } from "./message.tsx";
import styles from "./playground.module.css";
import { bodyOf, faultsOf } from "./settings.ts";
import { SettingsPanel } from "./settings-panel.tsx";
import { useChat } from "./use-chat.ts";
import { useFollow } from "./use-follow.ts";
import { useSettings } from "./use-settings.ts";

const SUGGESTIONS = [
  "Tell me a short story about a fox.",
  "What is a receipt?",
  "What does a validator do?",
  "What is the opposite of cold?",
] as const;

const GO_ON = "Go on.";

/** What somebody who does not see the conversation is told of its last answer. */
const SAID = {
  none: "",
  streaming: "The answer is being written",
  done: "The answer is complete",
  stopped: "The answer was stopped",
  failed: "The answer failed",
} as const;

/** A conversation whose every answer can be traced and checked. */
export default function PlaygroundPage() {
  const { has, server } = useConnection();
  const chat = useChat();
  const end = useFollow(chat.turns);
  const models = useEndpoint("gateway", gatewayApi.models, { enabled: has("gateway") });
  const offers = useEndpoint("gateway", gatewayApi.offers, { enabled: has("gateway"), every: 15_000 });
  const names = useMemo(() => (models.data?.data ?? []).map(({ id }) => id), [models.data]);
  const { settings, missing, change } = useSettings(names);
  const faults = useMemo(() => faultsOf(settings), [settings]);
  const faulty = Object.keys(faults).length > 0 || settings.model === "";
  const [text, setText] = useState("");
  const [opened, setOpened] = useState<string | null>(null);
  const [exporting, setExporting] = useState(false);
  const [showing, setShowing] = useState(false);
  const latest = useRef({ chat, settings });
  latest.current = { chat, settings };
  useSendFromUrl(faulty || chat.busy, (prompt) => chat.send(prompt, settings));

  const send = (prompt: string) => {
    if (prompt.trim() !== "" && !faulty && !chat.busy) {
      setText("");
      chat.send(prompt, settings);
    }
  };
  const regenerate = useCallback((key: string) => latest.current.chat.regenerate(key, latest.current.settings), []);
  const edit = useCallback(
    (key: string, message: string) => latest.current.chat.edit(key, message, latest.current.settings),
    [],
  );
  const goOn = useCallback(() => latest.current.chat.send(GO_ON, latest.current.settings), []);
  const results = useCallback(
    (given: readonly { readonly id: string; readonly content: string }[]) =>
      latest.current.chat.sendResults(given, latest.current.settings),
    [],
  );
  const answered = chat.turns.find(({ key }) => key === opened)?.answer ?? null;
  const draft = [...messagesOf(chat.turns), ...(text === "" ? [] : [{ role: "user", content: text }])];

  return (
    <Page
      title="Playground"
      lead="Ask a model of the network. Each answer keeps its receipt: who computed it, what it cost, and the proof."
      actions={
        <div className={styles.suggestions}>
          <Button small onClick={() => setShowing((before) => !before)} className={styles.showSettings} icon="settings">
            {showing ? "Hide settings" : "Settings"}
          </Button>
          <Button small onClick={() => setExporting(true)} disabled={faulty}>
            As code
          </Button>
          <Button small kind="quiet" onClick={chat.clear} disabled={chat.turns.length === 0}>
            New conversation
          </Button>
        </div>
      }
    >
      {models.error !== null && models.data === undefined && (
        <Failure error={models.error} retry={() => void models.refetch()} />
      )}
      <div className={styles.layout}>
        <div className={styles.chat}>
          {chat.turns.length === 0 ? (
            <Empty title="Nothing was asked yet">
              <p>
                {settings.model === ""
                  ? missing === null
                    ? "Waiting for a model to be on offer."
                    : `Nobody offers ${missing.slice(0, 80)} at present. Choose another model.`
                  : `${settings.model.slice(0, 80)} is chosen. Begin with one of these, or write below.`}
              </p>
              <div className={styles.suggestions}>
                {SUGGESTIONS.map((prompt) => (
                  <Button key={prompt} small disabled={faulty} onClick={() => send(prompt)}>
                    {prompt}
                  </Button>
                ))}
              </div>
            </Empty>
          ) : (
            <ol className={styles.turns} aria-label="Conversation">
              {chat.turns.map((turn, index) => (
                <Message
                  key={turn.key}
                  turn={turn}
                  last={index === chat.turns.length - 1}
                  onOpen={setOpened}
                  onRegenerate={regenerate}
                  onEdit={edit}
                  onGoOn={goOn}
                  onResults={results}
                />
              ))}
            </ol>
          )}
          <span className="visually-hidden" role="status">
            {SAID[chat.turns.at(-1)?.answer?.state ?? "none"]}
          </span>
          {has("gateway") ? (
            <Composer
              value={text}
              busy={chat.busy}
              disabled={faulty}
              onChange={setText}
              onSend={() => send(text)}
              onStop={chat.stop}
            >
              <BeforeSending
                settings={settings}
                offers={offers.data?.data ?? []}
                characters={faulty ? 0 : JSON.stringify(bodyOf(settings, draft)).length}
              />
            </Composer>
          ) : (
            <Empty title="No gateway is set">
              <ButtonLink to="/learn/request">What a gateway does</ButtonLink>
            </Empty>
          )}
          <div ref={end} className={styles.end} />
        </div>
        <div className={styles.side} data-open={showing}>
          <SettingsPanel
            settings={settings}
            faults={faults}
            models={names.map((value) => ({ value, label: value.slice(0, 120) }))}
            about={aboutModel(models.data?.data.find(({ id }) => id === settings.model))}
            regions={[...new Set((offers.data?.data ?? []).map(({ region }) => region))].sort()}
            onChange={change}
          />
        </div>
      </div>
      {answered !== null && answered.receiptId !== null && (
        <AnswerDrawer id={answered.receiptId} onClose={() => setOpened(null)} />
      )}
      {exporting && (
        <ExportDrawer
          gatewayUrl={server("gateway").url}
          body={bodyOf(settings, draft.length === 0 ? [{ role: "user", content: SUGGESTIONS[0] }] : draft)}
          onClose={() => setExporting(false)}
        />
      )}
    </Page>
  );
}

function aboutModel(model: GatewayModel | undefined): string | null {
  if (model === undefined) {
    return null;
  }
  const { classes, proof_levels, providers, prices, context_length } = model.depinfer;
  const quantisations = new Set(classes.flatMap(({ quantisation }) => (quantisation === null ? [] : [quantisation])));
  return [
    ...[...quantisations].map((one) => one.slice(0, 40)),
    `proof ${proof_levels.join(", ")}`,
    `${count(context_length)} tokens of context`,
    plural(providers, "provider"),
    ...(prices === null ? [] : [`output from ${perMillion(prices.outputPerMillion)} tokens`]),
  ].join(" · ");
}

/** Sends what `?send=` holds, once, as soon as that is possible; the parameter goes away so that a reload does not pay again. */
function useSendFromUrl(waiting: boolean, send: (prompt: string) => void): void {
  const [parameters, setParameters] = useSearchParams();
  const prompt = parameters.get("send");
  const sent = useRef<string | null>(null);
  useEffect(() => {
    if (prompt === null || prompt === "" || waiting || sent.current === prompt) {
      return;
    }
    sent.current = prompt;
    setParameters(
      (before) => {
        const next = new URLSearchParams(before);
        next.delete("send");
        return next;
      },
      { replace: true },
    );
    send(prompt);
  }, [prompt, waiting, send, setParameters]);
}
