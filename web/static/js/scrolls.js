// What can be scrolled can be reached by the keyboard: such a box is a tab stop, but only while it really scrolls.
const BOXES = ".scroll, .split-side";

function mark(box) {
  const scrolls = box.scrollWidth > box.clientWidth + 1 || box.scrollHeight > box.clientHeight + 1;
  if (scrolls) box.tabIndex = 0;
  else box.removeAttribute("tabindex");
}

export function setUpScrolls() {
  const observer = new ResizeObserver((entries) => entries.forEach((entry) => mark(entry.target)));
  const watch = (root) => root.querySelectorAll(BOXES).forEach((box) => { mark(box); observer.observe(box); });
  watch(document);
  document.addEventListener("htmx:load", (event) => watch(event.detail.elt));
}
