import { indexerApi, type SearchHit } from "@depinfer/protocol/api";
import { type ReactNode, type SyntheticEvent, useEffect, useRef, useState } from "react";
import { Link, useNavigate } from "react-router";
import { useEndpoint } from "../../api/use-endpoint.ts";
import { plural, shortId } from "../../format/number.ts";
import { TextField } from "../../ui/field.tsx";
import { Panel } from "../../ui/panel.tsx";
import { Answered, Empty } from "../../ui/state.tsx";
import { useUrlState } from "../../ui/url-state.ts";
import styles from "./explorer.module.css";
import { KIND_LIST, KINDS, placeOf } from "./places.ts";

const TYPING_MS = 250;
const MOST_QUERY = 200;

/** Looks for whatever is typed; what is looked for stands in the URL. Enter opens the only hit. */
export function Search({ landing }: { readonly landing: ReactNode }) {
  const [wanted, setWanted] = useUrlState("q", "");
  const [text, setText] = useTyped(wanted, setWanted);
  const q = wanted.trim().slice(0, MOST_QUERY);
  const query = useEndpoint("indexer", indexerApi.search, { query: { q }, enabled: q !== "" });
  const navigate = useNavigate();
  const hits = q === "" || query.isPlaceholderData ? undefined : query.data?.data;

  function open(event: SyntheticEvent): void {
    event.preventDefault();
    const [only, second] = hits ?? [];
    if (only !== undefined && second === undefined && text.trim() === q) {
      navigate(placeOf(only.kind, only.id));
    } else {
      setWanted(text.trim());
    }
  }

  return (
    <>
      <search aria-label="Everything indexed">
        <form onSubmit={open}>
          <TextField
            label="What are you looking for?"
            type="search"
            maxLength={MOST_QUERY}
            value={text}
            autoComplete="off"
            spellCheck={false}
            placeholder="0x1234ab…, 663 or a model's name"
            onChange={({ target }) => setText(target.value)}
            hint="Any id or its first six digits after 0x, a block's or a pass's number, a part of a model's name"
          />
        </form>
      </search>
      {q === "" ? (
        landing
      ) : (
        <Panel title="Found">
          <p className="visually-hidden" role="status">
            {hits === undefined ? "" : plural(hits.length, "hit")}
          </p>
          <Answered query={query} lines={5} what="what was found">
            {({ data }) => (data.length === 0 ? <NoHit text={q} /> : <Hits hits={data} />)}
          </Answered>
        </Panel>
      )}
    </>
  );
}

/** The text of the field, which the URL follows once the typing rests, and which follows the URL. */
function useTyped(wanted: string, setWanted: (text: string) => void): [string, (text: string) => void] {
  const [text, setText] = useState(wanted);
  const sent = useRef(wanted);
  useEffect(() => {
    if (wanted !== sent.current) {
      sent.current = wanted;
      setText(wanted);
    }
  }, [wanted]);
  useEffect(() => {
    const timer = setTimeout(() => {
      if (text.trim() !== sent.current) {
        sent.current = text.trim();
        setWanted(sent.current);
      }
    }, TYPING_MS);
    return () => clearTimeout(timer);
  }, [text, setWanted]);
  return [text, setText];
}

function Hits({ hits }: { readonly hits: readonly SearchHit[] }) {
  return (
    <div className={styles.hits}>
      {KIND_LIST.map((kind) => ({ kind, of: hits.filter((hit) => hit.kind === kind) }))
        .filter(({ of }) => of.length > 0)
        .map(({ kind, of }) => (
          <section key={kind} aria-label={KINDS[kind].titles}>
            <h3>{KINDS[kind].titles}</h3>
            <ul>
              {of.map(({ id, label }) => (
                <li key={id}>
                  <Link className={styles.hit} to={placeOf(kind, id)}>
                    <span className={kind === "model" ? "" : styles.mono}>{id.slice(0, 300)}</span>
                    <span>{shortened(label)}</span>
                  </Link>
                </li>
              ))}
            </ul>
          </section>
        ))}
    </div>
  );
}

/** Ids within a label in short. */
function shortened(label: string): string {
  return label.slice(0, 300).replaceAll(/0x[0-9a-f]{40,64}/g, shortId);
}

function NoHit({ text }: { readonly text: string }) {
  const id = text.toLowerCase();
  const tooShort = /^0x[0-9a-f]{0,5}$/i.test(text);
  return (
    <Empty title={`Nothing is known by “${text.slice(0, 80)}”`}>
      {tooShort ? (
        <p>Give at least six digits after 0x: fewer would mean too much.</p>
      ) : (
        <p>
          A receipt, and a request with it, can be found once its provider posted its epoch, mostly within a minute or
          two; a transaction once it is in a block.
        </p>
      )}
      {KINDS.request.form.test(id) && (
        <p>
          <Link to={placeOf("request", id)}>Ask your gateway</Link> whether it is a request of yours that is not public
          yet.
        </p>
      )}
      {KINDS.account.form.test(id) && (
        <p>
          <Link to={placeOf("account", id)}>Look at it as an account</Link>, for contracts and holders of passes.
        </p>
      )}
      <p>These can be looked up:</p>
      <ul className={styles.forms}>
        <li>receipts, requests, channels, transactions, disputes and classes: 0x and 64 digits</li>
        <li>providers, validators and other accounts: 0x and 40 digits</li>
        <li>epochs: by their root, or from their provider</li>
        <li>blocks and passes: their number</li>
        <li>models: any part of the name</li>
      </ul>
    </Empty>
  );
}
