import { Link, useLocation } from "react-router";
import { ButtonLink } from "../../ui/button.tsx";
import { Columns, Page } from "../../ui/panel.tsx";
import { Empty } from "../../ui/state.tsx";
import styles from "./learn.module.css";
import { TOPICS } from "./topics.ts";

/** How it works, in pieces that can be played with. */
export default function LearnPage() {
  const slug = useLocation().pathname.split("/")[2] ?? "";
  if (slug === "") {
    return <Contents />;
  }
  const index = TOPICS.findIndex((topic) => topic.slug === slug);
  const topic = TOPICS[index];
  if (topic === undefined) {
    return (
      <Page title="Learn">
        <Empty title={`There is no page about ${slug.slice(0, 80)}`}>
          <ButtonLink to="/learn">All pages</ButtonLink>
        </Empty>
      </Page>
    );
  }
  const next = TOPICS[index + 1];
  return (
    <Page
      title={topic.title}
      lead={topic.summary}
      actions={
        <ButtonLink to="/learn" kind="quiet" small>
          All pages
        </ButtonLink>
      }
    >
      <div className={styles.topic}>
        <topic.Content />
        {next !== undefined && (
          <p>
            Next: <Link to={`/learn/${next.slug}`}>{next.title}</Link>
          </p>
        )}
      </div>
    </Page>
  );
}

function Contents() {
  return (
    <Page
      title="Learn"
      lead="Six short pages. Each has something to play with that runs the network's own code in your browser, and ends in something to try."
    >
      <Columns least="18rem">
        {TOPICS.map(({ slug, title, summary }, index) => (
          <Link key={slug} to={`/learn/${slug}`} className={styles.card}>
            <span aria-hidden="true">{index + 1}</span>
            <strong>{title}</strong>
            <span>{summary}</span>
          </Link>
        ))}
      </Columns>
    </Page>
  );
}
