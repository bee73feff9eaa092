// Small helps of forms: filters that apply at once, one tick for all rows, no double sending, dates of the window.
function setUpFilters() {
  document.addEventListener("change", (event) => {
    const form = event.target.closest("form[data-auto-submit]");
    if (form && event.target.matches("select, input[type=checkbox], input[type=date]")) form.requestSubmit();
  });
  document.addEventListener("submit", (event) => {
    if (event.target.method !== "get") return;
    const window_ = event.target.matches("[data-window]");
    if (window_) {
      const [first, last] = ["[data-first]", "[data-last]"].map((name) => event.target.querySelector(name).value);
      event.target.elements.window.value = `${first}..${last}`;
    }
    // Empty fields make long addresses that say nothing.
    for (const field of event.target.elements) if (field.name && field.value === "") field.disabled = true;
    setTimeout(() => { for (const field of event.target.elements) field.disabled = false; }, 0);
  });
}

function setUpChecks() {
  document.addEventListener("change", (event) => {
    if (!event.target.matches("[data-check-all]")) return;
    const table = event.target.closest("table");
    for (const box of table.querySelectorAll("tbody input[type=checkbox]")) box.checked = event.target.checked;
    table.dispatchEvent(new Event("gridgov:checked", { bubbles: true }));
  });
}

function setUpOnce() {
  document.addEventListener("submit", (event) => {
    if (event.target.method !== "post" || event.defaultPrevented) return;
    if (event.target.dataset.sent) { event.preventDefault(); return; }
    event.target.dataset.sent = "yes";
  });
  window.addEventListener("pageshow", () => { for (const form of document.forms) delete form.dataset.sent; });
}

export function setUpForms() {
  setUpFilters();
  setUpChecks();
  setUpOnce();
  document.addEventListener("click", (event) => {
    const demo = event.target.closest("[data-fill-login]");
    if (demo) {
      document.getElementById("login").value = demo.dataset.fillLogin;
      document.getElementById("password").value = demo.dataset.fillPassword;
      document.getElementById("login").form.requestSubmit();
    }
    if (event.target.closest("[data-close]")) event.target.closest(".notice").remove();
    const toggle = event.target.closest("[data-toggle-filters]");
    if (toggle) toggle.setAttribute("aria-expanded", String(toggle.nextElementSibling.classList.toggle("is-open")));
    const printer = event.target.closest("[data-print]");
    if (printer) window.print();
  });
  document.addEventListener("shown.bs.dropdown", (event) => {
    const box = event.target.parentElement.querySelector("[data-load-when-open]");
    if (box) { box.focus(); box.dispatchEvent(new Event("shown")); }
  });
  // A part of the page that could not be fetched says so; the page stays.
  document.addEventListener("htmx:sendError", () => {
    const notices = document.getElementById("notices");
    if (notices && !notices.querySelector("[data-offline]")) {
      const note = document.createElement("div");
      note.className = "notice notice-warning";
      note.dataset.offline = "";
      note.setAttribute("role", "alert");
      note.textContent = notices.dataset.offlineWords;
      notices.append(note);
    }
  });
  document.addEventListener("htmx:afterOnLoad", () => document.querySelector("[data-offline]")?.remove());
}
