import { type ReactNode, useEffect, useRef, useState } from "react";
import { NavLink, useLocation, useNavigate } from "react-router";
import { PAGES } from "../pages/registry.ts";
import { Button } from "../ui/button.tsx";
import { Icon } from "../ui/icon.tsx";
import { ConnectionDrawer } from "./connection-drawer.tsx";
import styles from "./layout.module.css";
import { NetworkState, Notices } from "./network-state.tsx";
import { PageBoundary } from "./page-boundary.tsx";
import { THEMES, useTheme } from "./theme.ts";

const THEME_ICONS = { auto: "auto", light: "sun", dark: "moon" } as const;
const THEME_NAMES = { auto: "Theme of the system", light: "Light theme", dark: "Dark theme" } as const;

/** What stands around every page: navigation, search, state of the network, theme. */
export function Layout({ children }: { readonly children: ReactNode }) {
  const { pathname } = useLocation();
  const [connecting, setConnecting] = useState(false);
  const main = useRef<HTMLElement>(null);
  const place = pathname.split("/")[1] ?? "";

  // biome-ignore lint/correctness/useExhaustiveDependencies: another page begins at its top
  useEffect(() => {
    scrollTo(0, 0);
  }, [place]);

  return (
    <div className={styles.shell}>
      {/* A link to a part of the page would change the place behind the #. */}
      <button type="button" className={styles.skip} onClick={() => main.current?.focus()}>
        Skip to the content
      </button>
      <header className={styles.top}>
        <NavLink to="/overview" className={`${styles.brand} ${styles.topBrand}`} aria-label="Depinfer, overview">
          <img src="./mark.svg" alt="" />
        </NavLink>
        <search>
          <SearchBox />
        </search>
        <div className={styles.status}>
          <NetworkState onOpen={() => setConnecting(true)} />
        </div>
      </header>
      <div className={styles.side}>
        <NavLink to="/overview" className={styles.brand ?? ""}>
          <img src="./mark.svg" alt="" />
          <span>Depinfer</span>
        </NavLink>
        <nav className={styles.nav} aria-label="Pages">
          <ul>
            {PAGES.map(({ path, title, icon }) => (
              <li key={path}>
                <NavLink to={`/${path}`}>
                  <Icon name={icon} />
                  {title}
                </NavLink>
              </li>
            ))}
          </ul>
        </nav>
        <div className={styles.foot}>
          <ThemeChoice />
        </div>
      </div>
      <div className={styles.content}>
        <Notices />
        <main ref={main} className={styles.main} tabIndex={-1}>
          <PageBoundary place={place}>{children}</PageBoundary>
        </main>
      </div>
      {connecting && <ConnectionDrawer onClose={() => setConnecting(false)} />}
    </div>
  );
}

/** Also in the drawer of the connection, where phones find it. */
export function ThemeChoice() {
  const [theme, setTheme] = useTheme();
  return (
    <fieldset className={styles.themes} aria-label="Theme" style={{ border: 0, margin: 0, padding: 0 }}>
      {THEMES.map((one) => (
        <Button
          key={one}
          kind="quiet"
          small
          icon={THEME_ICONS[one]}
          aria-label={THEME_NAMES[one]}
          aria-pressed={theme === one}
          onClick={() => setTheme(one)}
        />
      ))}
    </fieldset>
  );
}

function SearchBox() {
  const navigate = useNavigate();
  const [text, setText] = useState("");
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault();
        const wanted = text.trim();
        if (wanted !== "") {
          navigate(`/explorer?q=${encodeURIComponent(wanted)}`);
        }
      }}
    >
      <input
        className={styles.search}
        type="search"
        aria-label="Find a receipt, request, provider, channel, epoch or transaction"
        placeholder="Find any id, block or model"
        value={text}
        onChange={({ target }) => setText(target.value)}
      />
    </form>
  );
}
