// The room around a map: the table beside it lights the map and is lit by it; kinds are hidden; months slide.
// `layers` is the module that drew the map. It is handed over, not imported: an import without the version in the
// page's address would be a second module, which knows nothing of what the first one drew.

function rowsOf(room) {
  return new Map([...room.querySelectorAll("tr[data-code]")].map((row) => [row.dataset.code, row]));
}

export function tie(map, room, bounds, layers) {
  const rows = rowsOf(room);
  room.addEventListener("map:light", (event) => {
    for (const row of rows.values()) row.classList.toggle("lit", row.dataset.code === event.detail.code);
  });
  map.on("popupopen", (event) => {
    for (const [code, row] of rows) {
      if (event.popup._source && row.classList.contains("lit")) {
        row.scrollIntoView({ block: "nearest" });
        break;
      }
    }
  });
  for (const [code, row] of rows) {
    row.addEventListener("mouseenter", () => layers.light(map, code, { quiet: true }));
    row.addEventListener("mouseleave", () => layers.light(map, null, { quiet: true }));
    row.querySelector("[data-show]")?.addEventListener("click", () => {
      layers.light(map, code);
      layers.show(map, code);
    });
  }
  tieKinds(map, room, layers);
  tieMonths(map, room, rows, layers);
  map.scrollWheelZoom.enable();
  // The page may have got its layout after the map was made: it is fitted until somebody moves it.
  let moved = false;
  for (const sign of ["mousedown", "wheel", "keydown", "touchstart"]) {
    map.getContainer().addEventListener(sign, () => { moved = true; }, { passive: true });
  }
  new ResizeObserver(() => {
    map.invalidateSize({ animate: false });
    if (!moved) map.fitBounds(bounds, { padding: [14, 14], animate: false });
  }).observe(map.getContainer());
}

function tieKinds(map, room, layers) {
  const hidden = new Set();
  for (const button of room.querySelectorAll("button[data-kind]")) {
    button.addEventListener("click", () => {
      const kind = button.dataset.kind;
      if (!hidden.delete(kind)) hidden.add(kind);
      button.setAttribute("aria-pressed", String(!hidden.has(kind)));
      layers.setKinds(map, hidden);
      for (const row of room.querySelectorAll("tr[data-kind]")) row.hidden = hidden.has(row.dataset.kind);
      const shown = room.querySelector("[data-shown]");
      if (shown) shown.textContent = room.querySelectorAll("tr[data-kind]:not([hidden])").length;
    });
  }
}

// Months: 0 is the whole window; the table, its links and the sum follow the map.
function tieMonths(map, room, rows, layers) {
  const source = room.querySelector("script[data-months]");
  const slider = room.querySelector("input[data-months-slider]");
  if (!source || !slider) return;
  const { months, whole, word, links } = JSON.parse(source.textContent);
  const label = room.querySelector("[data-months-label]");
  const total = room.querySelector("[data-total]");
  const play = room.querySelector("[data-months-play]");
  let timer = 0;

  function choose(at) {
    const month = at > 0 ? months[at - 1] : null;
    const values = month ? month.values : whole.values;
    const opened = links.map(([text, href]) => [text, month ? href.replaceAll("WINDOW", month.window) : href.replaceAll("WINDOW", whole.key)]);
    layers.setAreaValues(map, values, opened);
    label.textContent = month ? month.key : word;
    slider.setAttribute("aria-valuetext", label.textContent);
    for (const [code, row] of rows) {
      const link = row.querySelector("[data-n]");
      if (!link) continue;
      link.textContent = (values[code] ?? 0).toLocaleString("en-US");
      if (opened.length) link.href = opened[0][1].replaceAll("CODE", encodeURIComponent(code));
    }
    if (total) total.textContent = Object.values(values).reduce((sum, n) => sum + n, 0).toLocaleString("en-US");
  }

  slider.addEventListener("input", () => choose(Number(slider.value)));
  play?.addEventListener("click", () => {
    if (timer) {
      clearInterval(timer);
      timer = 0;
    } else {
      timer = setInterval(() => {
        slider.value = String((Number(slider.value) % months.length) + 1);
        choose(Number(slider.value));
      }, 900);
    }
    play.setAttribute("aria-pressed", String(timer !== 0));
  });
}
