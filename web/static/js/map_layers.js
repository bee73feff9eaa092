// Layers of the rooms' maps. folium makes the map; these functions draw on it from data, texts only as text.
// Colours are custom properties of the page's style, read anew whenever its mode changes.

const layers = new Map(); // map → { code → [leaflet layers] }
const lit = new WeakMap(); // map → code
const redraws = [];

function colour(name) {
  return getComputedStyle(document.documentElement).getPropertyValue(name).trim();
}

function remember(map, code, layer) {
  const known = layers.get(map) ?? new Map();
  layers.set(map, known);
  known.set(code, [...(known.get(code) ?? []), layer]);
  layer.on("mouseover", () => light(map, code));
  layer.on("mouseout", () => light(map, null));
}

function announce(map, code) {
  map.getContainer().dispatchEvent(new CustomEvent("map:light", { bubbles: true, detail: { code } }));
}

// One highlight at a time, on the map and, through the event, in the table.
export function light(map, code, { quiet = false } = {}) {
  const before = lit.get(map) ?? null;
  if (before === code) return;
  for (const layer of layers.get(map)?.get(before) ?? []) layer.fire("map:dim");
  for (const layer of layers.get(map)?.get(code) ?? []) layer.fire("map:lit");
  lit.set(map, code);
  if (!quiet) announce(map, code);
}

export function find(map, code) {
  return layers.get(map)?.get(code) ?? [];
}

export function show(map, code) {
  const [layer] = find(map, code);
  if (!layer) return;
  if (layer.getBounds) map.fitBounds(layer.getBounds(), { maxZoom: 15, padding: [40, 40] });
  else map.setView(layer.getLatLng(), Math.max(map.getZoom(), 15));
}

function element(tag, text, parts = []) {
  const made = document.createElement(tag);
  if (text) made.textContent = text;
  made.append(...parts);
  return made;
}

function makeCard(name, pairs, links) {
  const rows = pairs.map(([label, value]) =>
    element("div", "", [element("span", label), element("b", value)]));
  const anchors = links.map(([label, href]) => {
    const link = element("a", label);
    link.href = href;
    return link;
  });
  const card = element("div", "", [element("strong", name), ...rows, ...anchors]);
  card.className = "map-card";
  return card;
}

function findClass(value, limits) {
  if (!(value > 0)) return -1;
  const at = limits.findIndex((limit) => value <= limit);
  return at < 0 ? limits.length - 1 : at;
}

function fillOf(value, limits) {
  const at = findClass(value, limits);
  if (at < 0) return { fillColor: colour("--map-none"), fillOpacity: 1 };
  // Few classes use the strong end too: the most is always the darkest.
  const step = limits.length < 2 ? 4 : Math.round((4 * at) / (limits.length - 1));
  return { fillColor: colour(`--map-seq-${step}`), fillOpacity: colour("--map-fill-opacity") || 1 };
}

const shapes = new Map();

function fetchShapes(address) {
  if (!shapes.has(address)) {
    shapes.set(address, fetch(address, { headers: { Accept: "application/geo+json" } })
      .then((answer) => {
        if (!answer.ok) throw new Error(`${answer.status}`);
        return answer.json();
      }));
  }
  return shapes.get(address);
}

function tell(map, state) {
  map.getContainer().closest(".map-box")?.setAttribute("data-state", state);
}

async function drawFetched(map, address, draw) {
  tell(map, "loading");
  try {
    const found = await fetchShapes(address);
    draw(found);
    tell(map, "ready");
  } catch (problem) {
    tell(map, "failed");
  }
}

// A quantity by area. `setAreaValues` gives it other values: the slider of months does.
const areaStates = new WeakMap();

export function addAreas(map, options) {
  const state = { options, values: options.values, drawn: null };
  areaStates.set(map, state);
  drawFetched(map, options.shapes, (found) => {
    const style = (feature) => ({
      ...fillOf(state.values[feature.id], options.limits),
      color: colour("--map-line"), weight: options.line ?? 0.7, opacity: 1,
    });
    state.drawn = L.geoJSON(found, {
      style,
      onEachFeature(feature, layer) {
        remember(map, feature.id, layer);
        layer.on("map:lit", () => layer.setStyle({ color: colour("--map-lit"), weight: 3 }).bringToFront());
        layer.on("map:dim", () => layer.setStyle(style(feature)));
        layer.bindTooltip(() => makeAreaCard(state, feature, []), { sticky: true });
        layer.bindPopup(() => makeAreaCard(state, feature, options.links ?? []));
      },
    }).addTo(map);
    redraws.push(() => state.drawn.setStyle(style));
    state.redraw = () => state.drawn.setStyle(style);
  });
}

function makeAreaCard(state, feature, links) {
  const value = state.values[feature.id];
  const shown = (value ?? 0).toLocaleString("en-US");
  const opened = (state.links ?? links).map(([label, href]) =>
    [label, href.replaceAll("CODE", encodeURIComponent(feature.id))]);
  return makeCard(feature.properties.name, [[state.options.unit, shown]], links.length ? opened : []);
}

export function setAreaValues(map, values, links) {
  const state = areaStates.get(map);
  if (!state) return;
  state.values = values;
  state.links = links;
  state.redraw?.();
}

export function addOutlines(map, options) {
  if (!map.getPane("outlines")) {
    const pane = map.createPane("outlines");
    pane.classList.add("map-outlines");
  }
  drawFetched(map, options.shapes, (found) => {
    const weight = () => (map.getZoom() < 10.5 ? 0.6 : 1.3);
    const style = () => ({ fill: false, color: colour("--map-outline"), weight: weight(), interactive: false });
    const drawn = L.geoJSON(found, {
      style, pane: "outlines", interactive: false, renderer: L.svg({ pane: "outlines" }),
    }).addTo(map);
    redraws.push(() => drawn.setStyle(style));
    map.on("zoomend", () => drawn.setStyle(style));
  });
}

// The quiet ground below all that a map shows: what is city and what is not. In a pane of its own: what is fetched last
// would else lie on top, and cover the areas that were there before it.
export function addGround(map, options) {
  if (!map.getPane("ground")) map.createPane("ground").classList.add("map-ground");
  drawFetched(map, options.shapes, (found) => {
    const style = () => ({ fillColor: colour("--map-none"), fillOpacity: 1, stroke: false, interactive: false });
    const drawn = L.geoJSON(found, {
      style, pane: "ground", interactive: false, renderer: L.svg({ pane: "ground" }),
    }).addTo(map);
    redraws.push(() => drawn.setStyle(style));
  });
}

// Hotspots: certainty is opacity, kind is outline; cells from close by, a circle at any zoom.
export function addSpots(map, options) {
  const pane = map.createPane("spots");
  pane.classList.add("map-spots");
  const renderer = L.svg({ pane: "spots", padding: 0.3 });
  for (const spot of options.spots) {
    const style = () => ({
      fillColor: colour("--map-spot"), fillOpacity: spot.opacity, color: colour("--map-spot-line"),
      weight: spot.weight, dashArray: spot.dashes, opacity: 1,
    });
    const area = L.geoJSON({ type: "Feature", geometry: spot.shape, properties: {} }, { style, pane: "spots", renderer });
    // Thinner on the small circle than on the area, or the line would hide what it surrounds.
    const ring = () => ({ ...style(), weight: 0.7 * spot.weight, dashArray: spot.dashes && "4 3" });
    const circle = L.circleMarker(spot.at, { ...ring(), radius: spot.radius, pane: "spots", renderer });
    for (const [layer, quiet] of [[area, style], [circle, ring]]) {
      layer.addTo(map);
      layer.spotKind = spot.kind;
      remember(map, spot.code, layer);
      layer.on("map:lit", () => layer.setStyle({ color: colour("--map-lit"), weight: spot.weight + 2 }));
      layer.on("map:dim", () => layer.setStyle(quiet()));
      layer.bindTooltip(() => makeCard(spot.name, spot.tips, []), { sticky: true });
      layer.bindPopup(() => makeCard(spot.name, spot.tips, spot.href));
      redraws.push(() => layer.setStyle(quiet()));
    }
  }
}

export function setKinds(map, hidden) {
  for (const [, drawn] of layers.get(map) ?? []) {
    for (const layer of drawn) {
      if (!layer.spotKind) continue;
      if (hidden.has(layer.spotKind)) map.removeLayer(layer);
      else map.addLayer(layer);
    }
  }
}

// Places with a state: a coloured sign that also differs in shape.
export function addPoints(map, options) {
  const sprite = document.querySelector("[data-sprite]")?.dataset.sprite ?? "";
  for (const point of options.points) {
    const sign = element("span", "");
    sign.className = `map-point tone-${point.tone}`;
    if (sprite) {
      const picture = document.createElementNS("http://www.w3.org/2000/svg", "svg");
      const use = document.createElementNS("http://www.w3.org/2000/svg", "use");
      use.setAttribute("href", `${sprite}#${point.icon}`);
      picture.classList.add("icon");
      picture.append(use);
      sign.append(picture);
    }
    if (point.label) sign.append(element("b", point.label));
    const icon = L.divIcon({ html: sign, className: "map-point-box", iconSize: null });
    const marker = L.marker(point.at, { icon, keyboard: true, alt: point.name, title: "" }).addTo(map);
    // Leaflet gives the name to pictures alone: a sign without a word would be a button without one.
    marker.getElement().setAttribute("aria-label", point.label ? `${point.name} ${point.label}` : point.name);
    remember(map, point.code, marker);
    marker.on("map:lit", () => { sign.classList.add("lit"); marker.setZIndexOffset(1000); });
    marker.on("map:dim", () => { sign.classList.remove("lit"); marker.setZIndexOffset(0); });
    marker.bindTooltip(() => makeCard(point.name, point.tips, []));
    marker.bindPopup(() => makeCard(point.name, point.tips, point.href));
  }
}

function redrawAll() {
  for (const redraw of redraws) redraw();
}

new MutationObserver(redrawAll).observe(document.documentElement, {
  attributes: true, attributeFilter: ["data-bs-theme", "class"],
});
window.matchMedia("(prefers-color-scheme: dark)").addEventListener("change", redrawAll);
