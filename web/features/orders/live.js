// The list hears of changes and offers to fetch its rows anew; nothing jumps under the hand of who is reading.
const bar = document.getElementById("live-bar");
// A busy city changes every second: several changes are one refresh, and a list is not fetched anew all the time.
const GATHER_MS = 800;
const LEAST_MS = 20_000;
let last = 0;
if (bar && window.EventSource) {
  const rows = document.getElementById("rows");
  const source = new EventSource(bar.dataset.stream);
  let seen = Number(bar.dataset.seen);
  let newest = seen;
  const isBusy = () => rows.querySelector("input[type=checkbox]:checked") || document.querySelector("tr.lit") || document.hidden;
  async function refresh() {
    bar.hidden = true;
    last = Date.now();
    const known = new Set([...rows.querySelectorAll("tr[data-order]")].map((row) => row.dataset.order));
    const answer = await fetch(rows.dataset.rowsUrl, { headers: { "HX-Request": "true" } });
    if (!answer.ok) return;
    rows.innerHTML = await answer.text();
    for (const row of rows.querySelectorAll("tr[data-order]")) if (!known.has(row.dataset.order)) row.classList.add("is-new");
    seen = newest;
  }
  let waiting = null;
  function take(event) {
    newest = Math.max(newest, Number(event.data));
    if (newest <= seen) return;
    if (isBusy()) { bar.hidden = false; return; }
    // Several changes within a moment are one refresh.
    if (!waiting) waiting = setTimeout(() => { waiting = null; refresh(); }, Math.max(GATHER_MS, last + LEAST_MS - Date.now()));
  }
  source.addEventListener("hello", take);
  source.addEventListener("changed", take);
  document.getElementById("live-refresh").addEventListener("click", refresh);
  window.addEventListener("pagehide", () => source.close());
}
