// Drafts: what is typed into <form data-draft="name"> survives a reload, a crash, an expired session.
// Kept in the browser, per account and page; fields with data-private only as long as the tab is open. They come back by
// themselves after a reload, a step back or a cut; who opens a form anew is asked, because the next caller is another person.
// What was sent and taken is forgotten, and with it the key under which the server knows the sending (data-keep).
const NEVER = new Set(["csrf_token", "version"]);

const account = () => document.body.dataset.account || "";
const keyOf = (form) => `gridgov:draft:${account()}:${location.pathname}:${form.dataset.draft}`;

function store(kind) {
  try { return kind === "private" ? window.sessionStorage : window.localStorage; } catch { return null; }
}

function listFields(form, kind) {
  return [...form.elements].filter((field) => field.name && !NEVER.has(field.name)
    && (!["hidden", "password", "file", "submit", "button"].includes(field.type) || "keep" in field.dataset)
    && ("private" in field.dataset) === (kind === "private"));
}

function read(field) {
  if (field.type === "checkbox" || field.type === "radio") return field.checked;
  return field.value;
}

function write(field, value) {
  if (field.type === "checkbox" || field.type === "radio") field.checked = value === true;
  else field.value = value;
}

const nameOf = (field) => (["checkbox", "radio"].includes(field.type) ? `${field.name}=${field.value}` : field.name);

function save(form) {
  for (const kind of ["open", "private"]) {
    const values = Object.fromEntries(listFields(form, kind).map((field) => [nameOf(field), read(field)]));
    try { store(kind)?.setItem(keyOf(form), JSON.stringify(values)); } catch { /* full or forbidden: the page works without */ }
  }
}

function forget(form) {
  for (const kind of ["open", "private"]) store(kind)?.removeItem(keyOf(form));
}

function restore(form) {
  let changed = false;
  for (const kind of ["open", "private"]) {
    const text = store(kind)?.getItem(keyOf(form));
    if (!text) continue;
    const values = JSON.parse(text);
    for (const field of listFields(form, kind)) {
      const name = nameOf(field);
      if (name in values && values[name] !== read(field)) { write(field, values[name]); changed ||= !("keep" in field.dataset); }
    }
  }
  return changed;
}

const hasPrivate = (form) => Object.values(JSON.parse(store("private")?.getItem(keyOf(form)) || "{}")).some((value) => value && value !== true);

// A notice above the form: what came back can be discarded; what waits can be taken or discarded.
function tell(form, isWaiting) {
  const note = document.getElementById("draft-note")?.content.firstElementChild.cloneNode(true);
  if (!note) return;
  note.querySelector(isWaiting ? "[data-when=back]" : "[data-when=waiting]").remove();
  note.querySelector("[data-draft-discard]").addEventListener("click", () => { forget(form); location.reload(); });
  note.querySelector("[data-draft-take]")?.addEventListener("click", () => { note.remove(); bringBack(form); });
  form.before(note);
}

function bringBack(form) {
  if (!restore(form)) return;
  form.dispatchEvent(new CustomEvent("gridgov:restored", { bubbles: true }));
  form.dispatchEvent(new Event("change", { bubbles: true }));
  tell(form, false);
}

function takeOrAsk(form) {
  const how = performance.getEntriesByType("navigation")[0]?.type;
  if (hasPrivate(form) && how === "navigate") tell(form, true);
  else bringBack(form);
}

// The page after a sending: a redirect says that it was taken; the same page again says that it was not.
function forgetTaken() {
  const text = store("private")?.getItem("gridgov:sent");
  if (!text) return;
  store("private").removeItem("gridgov:sent");
  const { key, path } = JSON.parse(text);
  const redirected = (performance.getEntriesByType("navigation")[0]?.redirectCount || 0) > 0;
  if (!redirected && location.pathname === path) return;
  for (const kind of ["open", "private"]) store(kind)?.removeItem(key);
}

// A form that came too late (web/kept.py): its fields wait in the tab until its page is open again.
function takeResumed() {
  const text = store("private")?.getItem(`gridgov:resume:${location.pathname}`);
  if (!text) return;
  store("private").removeItem(`gridgov:resume:${location.pathname}`);
  const { action, fields } = JSON.parse(text);
  const path = new URL(action, location.origin).pathname;
  const form = [...document.forms].find((one) => new URL(one.action).pathname === path && one.method === "post");
  if (!form) return;
  const left = new Map();
  for (const [name, value] of fields) left.set(name, [...(left.get(name) || []), value]);
  for (const field of form.elements) {
    if (!left.has(field.name) || NEVER.has(field.name) || field.type === "file") continue;
    if (["checkbox", "radio"].includes(field.type)) field.checked = left.get(field.name).includes(field.value);
    else if (field.type !== "hidden") field.value = left.get(field.name).shift() ?? field.value;
  }
  form.dispatchEvent(new Event("input", { bubbles: true }));
  form.dispatchEvent(new CustomEvent("gridgov:resumed", { bubbles: true }));
  form.querySelector("textarea, input:not([type=hidden])")?.focus();
}

function setUpResume() {
  const form = document.querySelector("form[data-resume]");
  if (!form) return;
  const keep = () => {
    const fields = [...form.querySelectorAll("[data-kept]")].map((field) => [field.name, field.value]);
    const path = new URL(form.dataset.resume, location.origin).pathname;
    store("private")?.setItem(`gridgov:resume:${path}`, JSON.stringify({ action: form.action, fields }));
  };
  form.querySelector("[data-resume-back]").addEventListener("click", keep);
  if (!("resumeWait" in form.dataset)) { keep(); location.replace(form.dataset.resume); }
}

export function setUpDrafts() {
  setUpResume();
  forgetTaken();
  takeResumed();
  for (const form of document.querySelectorAll("form[data-draft]")) {
    takeOrAsk(form);
    let waiting = 0;
    form.addEventListener("input", () => { clearTimeout(waiting); waiting = setTimeout(() => save(form), 300); });
    form.addEventListener("reset", () => { clearTimeout(waiting); forget(form); });
    form.addEventListener("submit", () => {
      clearTimeout(waiting);
      save(form);
      store("private")?.setItem("gridgov:sent", JSON.stringify({ key: keyOf(form), path: new URL(form.action, location.origin).pathname }));
    });
  }
}
