// Keyboard: "/" to the search, "j" and "k" through rows, Enter opens. A row is a <tr data-href="…">.
const typing = (element) => element.closest("input, textarea, select, [contenteditable]");

function listRows() {
  return [...document.querySelectorAll("main tr[data-href], main [data-row]")].filter((row) => row.offsetParent);
}

function move(step) {
  const rows = listRows();
  if (!rows.length) return;
  const at = rows.indexOf(document.activeElement);
  const next = rows[Math.min(Math.max(at + step, 0), rows.length - 1)];
  next.tabIndex = -1;
  next.focus();
  next.scrollIntoView({ block: "nearest" });
}

function open(row, event) {
  const inner = event.target.closest("a, button, input, label, select, summary");
  if (inner && row.contains(inner) && inner !== row) return;
  if (String(window.getSelection())) return; // somebody marks text to copy it
  if (event.ctrlKey || event.metaKey) window.open(row.dataset.href);
  else location.assign(row.dataset.href);
}

export function setUpKeys() {
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
    if (event.key === "Escape" && typing(event.target)) event.target.blur();
    if (typing(event.target)) return;
    if (event.key === "/") {
      const box = document.querySelector("[data-search]");
      if (box) { event.preventDefault(); box.focus(); box.select(); }
    } else if (event.key === "j") move(1);
    else if (event.key === "k") move(-1);
    else if (event.key === "Enter") {
      const row = event.target.closest("tr[data-href]");
      if (row) open(row, event);
    }
  });
  document.addEventListener("click", (event) => {
    const row = event.target.closest("tr[data-href]");
    if (row) open(row, event);
  });
}
