// Before the first paint, so that a page in the other theme does not flash. A file, because the policy allows no inline script.
try {
  const theme = localStorage.getItem("depinfer.theme");
  if (theme === "light" || theme === "dark") {
    document.documentElement.dataset.theme = theme;
  }
} catch {
  // Storage is forbidden here; the system's theme is used.
}
