import { PROOF_LEVEL_TEXT } from "../../format/proof.ts";
import { Button } from "../../ui/button.tsx";
import { Select, TextArea, TextField } from "../../ui/field.tsx";
import { Panel } from "../../ui/panel.tsx";
import styles from "./playground.module.css";
import { DEFAULTS, type Faults, type Settings } from "./settings.ts";

/** What the panel of the answer goes back to; model and policy are another panel's. */
const { model, maxPrice, region, minProof, privacy, hedge, ...ANSWER_DEFAULTS } = DEFAULTS;

/** What can be set beside the prompt. */
export function SettingsPanel({
  settings,
  faults,
  models,
  about,
  regions,
  onChange,
}: {
  readonly settings: Settings;
  readonly faults: Faults;
  readonly models: readonly { readonly value: string; readonly label: string }[];
  /** What the chosen model is, in a line; null while that is not known. */
  readonly about: string | null;
  readonly regions: readonly string[];
  readonly onChange: (change: Partial<Settings>) => void;
}) {
  /** What a text field of a setting needs. */
  const text = (name: Exclude<keyof Settings, "hedge">) => ({
    value: settings[name],
    fault: faults[name] ?? null,
    onChange: ({ target }: { readonly target: { readonly value: string } }) => onChange({ [name]: target.value }),
  });
  return (
    <>
      <Panel title="Model and policy">
        <div className={styles.fields}>
          <Select
            label="Model"
            hint={about ?? "Nobody offers it at present."}
            value={settings.model}
            choices={models}
            onChange={(model) => onChange({ model })}
          />
          <TextField
            label="Pay at most"
            hint="dollars per million output tokens; empty for any price"
            inputMode="decimal"
            placeholder="any"
            {...text("maxPrice")}
          />
          <Select
            label="Least proof"
            explain={
              settings.minProof === ""
                ? "Providers that offer less are not asked."
                : PROOF_LEVEL_TEXT[settings.minProof]
            }
            value={settings.minProof}
            choices={[
              { value: "", label: "what the gateway asks for" },
              { value: "greedy", label: "greedy" },
              { value: "seeded", label: "seeded" },
              { value: "replay", label: "replay" },
              { value: "attested", label: "attested" },
            ]}
            onChange={(minProof) => onChange({ minProof })}
          />
          <Select
            label="Privacy"
            explain="Attested: only providers whose hardware vouches that their operator cannot read along."
            value={settings.privacy}
            choices={[
              { value: "any", label: "any provider" },
              { value: "attested", label: "hardware enclave only" },
            ]}
            onChange={(privacy) => onChange({ privacy })}
          />
          <Select
            label="Region"
            explain="Declared by providers, not proven."
            value={settings.region}
            choices={[{ value: "", label: "any" }, ...regions.map((value) => ({ value, label: value.slice(0, 64) }))]}
            onChange={(region) => onChange({ region })}
          />
        </div>
      </Panel>
      <Panel
        title="Answer"
        actions={
          <Button small kind="quiet" onClick={() => onChange(ANSWER_DEFAULTS)}>
            Reset
          </Button>
        }
      >
        <div className={styles.fields}>
          <Select
            label="Form"
            value={settings.format}
            choices={[
              { value: "text", label: "text" },
              { value: "json", label: "any JSON" },
              { value: "schema", label: "JSON of a schema" },
              { value: "tools", label: "text or tool calls" },
              { value: "calls", label: "a tool call" },
            ]}
            onChange={(format) => onChange({ format })}
          />
          {settings.format === "schema" && (
            <TextArea label="JSON schema" rows={10} spellCheck={false} {...text("schema")} />
          )}
          {(settings.format === "tools" || settings.format === "calls") && (
            <TextArea
              label="Tools"
              hint="Your code would run them; here you type what they give back."
              rows={12}
              spellCheck={false}
              {...text("tools")}
            />
          )}
          <TextArea label="System message" rows={2} placeholder="none" {...text("system")} />
          <div className={styles.pair}>
            <TextField
              label="Temperature"
              explain="0 takes the likeliest token always; higher draws more freely. Proof says less at 0."
              inputMode="decimal"
              {...text("temperature")}
            />
            <TextField label="Most tokens" inputMode="numeric" {...text("maxTokens")} />
            <TextField
              label="Top p"
              explain="Draws from the smallest set of tokens that has this much likelihood."
              inputMode="decimal"
              {...text("topP")}
            />
            <TextField
              label="Seed"
              explain="With a seed of yours the same request gives the same answer, from any provider of the class; the provider then knows the draw beforehand. Empty for a draw that neither side can choose."
              inputMode="numeric"
              placeholder="chance"
              {...text("seed")}
            />
            <TextField
              label="Presence penalty"
              explain="Makes tokens that were said at all less likely."
              inputMode="decimal"
              {...text("presencePenalty")}
            />
            <TextField
              label="Frequency penalty"
              explain="Makes tokens less likely each time they are said."
              inputMode="decimal"
              {...text("frequencyPenalty")}
            />
          </div>
          <TextArea label="Stop at" hint="one a line" rows={2} placeholder="nothing" {...text("stop")} />
        </div>
      </Panel>
    </>
  );
}
