// The bell of every page: asks how many wait, shows what is new over the page, says which was opened.
// It asks often while the page is looked at, seldom while it lies behind; a server that is away is asked more and more seldom.
const LOOK_MS = 1_500;
const HIDDEN_MS = 30_000;
const LONGEST_MS = 60_000;

const bell = document.querySelector("[data-bell]");
const note = document.getElementById("bell-note");
let failures = 0;
let timer = null;
let last = bell ? Number(bell.dataset.count) : 0;
let asking = false;
let seen = 0;

const send = (url, fields) => fetch(url, {
  method: "POST", keepalive: true, credentials: "same-origin",
  headers: { "X-CSRFToken": JSON.parse(document.body.getAttribute("hx-headers"))["X-CSRFToken"] },
  body: new URLSearchParams(fields),
});

function show(count) {
  last = count;
  bell.dataset.count = count;
  const figure = bell.querySelector("[data-bell-count]");
  figure.textContent = count > 99 ? "99+" : String(count);
  figure.hidden = count === 0;
  const words = bell.dataset.words.replace("%n", figure.textContent);
  bell.title = words;
  bell.setAttribute("aria-label", words);
}

function tell(one) {
  const made = note.content.firstElementChild.cloneNode(true);
  made.querySelector("b").textContent = one.subject;
  const link = made.querySelector("a");
  if (one.href) { link.href = one.href; link.dataset.notice = one.id; } else link.remove();
  made.classList.add(one.kind === "whistle" ? "notice-warning" : "notice-info");
  made.querySelector("button").addEventListener("click", () => made.remove());
  document.getElementById("notices").append(made);
}

async function take() {
  const answer = await send(bell.dataset.shown, {});
  if (!answer.ok) return;
  const { count, new: fresh } = await answer.json();
  show(count);
  for (const one of fresh) tell(one);
}

async function ask() {
  if (asking) return;
  asking = true;
  try {
    const answer = await fetch(bell.dataset.ask, { credentials: "same-origin", headers: { Accept: "application/json" } });
    if (!answer.ok || answer.redirected) { failures += 1; return; }
    failures = 0;
    const { count, newest } = await answer.json();
    if (newest > seen) { seen = newest; await take(); } else if (count !== last) show(count);
  } catch {
    failures += 1;
  } finally {
    asking = false;
    plan();
  }
}

function plan() {
  clearTimeout(timer);
  const often = document.hidden ? HIDDEN_MS : LOOK_MS;
  timer = setTimeout(ask, Math.min(often * 2 ** Math.min(failures, 6), LONGEST_MS));
}

export function setUpBell() {
  document.addEventListener("click", (event) => {
    const link = event.target.closest("[data-notice]");
    if (link && bell) send(bell.dataset.opened, { id: link.dataset.notice });
  });
  if (!bell) return;
  // What is new when a page is opened stands in its bell already: it is shown, and so on record.
  if (last > 0) send(bell.dataset.shown, {});
  const here = document.querySelector("[data-notice-order]");
  if (here && last > 0) send(bell.dataset.opened, { order_no: here.dataset.noticeOrder }).then((answer) => answer.ok ? answer.json() : { count: last }).then(({ count }) => show(count));
  document.addEventListener("visibilitychange", () => { if (!document.hidden) ask(); else plan(); });
  window.addEventListener("pagehide", () => clearTimeout(timer));
  window.addEventListener("pageshow", plan);
  plan();
}
