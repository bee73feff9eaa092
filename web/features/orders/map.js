// The map of one order: streets around, the point, the circle that holds it; a point can be picked or moved.
const box = document.getElementById("order-map");
const holder = document.getElementById("order-map-data");

function style(feature) {
  return feature.properties.own
    ? { color: "#0b5f84", weight: 2.5, fillColor: "#0b5f84", fillOpacity: 0.08 }
    : { color: "#5b6b7a", weight: 1.2, fillOpacity: 0 };
}

function drawOutlines(map, layer, streets) {
  layer.clearLayers();
  L.geoJSON(streets, { style, interactive: false }).addTo(layer);
  for (const feature of streets.features) {
    const words = document.createElement("span");
    words.textContent = feature.properties.name;
    L.marker(feature.properties.words_at, { interactive: false, keyboard: false, icon: L.divIcon({ className: "map-words", html: words, iconSize: null }) }).addTo(layer);
  }
}

// What units say of the place: the point, the name of the street in which it lies, and that street's outline.
function showEvidence(map, data, words) {
  if (!data.evidence || !data.evidence.length) return;
  const codes = new Set(data.evidence.map((one) => one.code));
  L.geoJSON(data.streets, { filter: (feature) => codes.has(feature.properties.code) && !feature.properties.own, style: { color: "#6d28d9", weight: 2.5, dashArray: "6 4", fillColor: "#6d28d9", fillOpacity: 0.06 }, interactive: false }).addTo(map);
  const all = L.latLngBounds([[data.lat, data.lon]]);
  for (const one of data.evidence) {
    const label = document.createElement("span");
    label.textContent = `${words.evidence} · ${one.name || words.nowhere}`;
    L.circleMarker([one.lat, one.lon], { radius: 7, color: "#fff", weight: 2, fillColor: "#6d28d9", fillOpacity: 1 }).bindTooltip(label, { permanent: true, direction: "top", offset: [0, -8] }).addTo(map);
    all.extend([one.lat, one.lon]);
  }
  map.fitBounds(all, { padding: [40, 40], maxZoom: 16 });
}

export function startMap(data, words) {
  const map = L.map(box, { attributionControl: false, zoomControl: true, preferCanvas: true });
  L.control.scale({ imperial: false }).addTo(map);
  const at = [data.lat, data.lon];
  map.setView(at, 16);
  const outlines = L.layerGroup().addTo(map);
  drawOutlines(map, outlines, data.streets);
  if (data.uncertainty_m > 0) L.circle(at, { radius: data.uncertainty_m, color: "#b45309", weight: 1.5, dashArray: "5 4", fillOpacity: 0.08 }).bindTooltip(words.circle).addTo(map);
  const pin = L.circleMarker(at, { radius: 7, color: "#fff", weight: 2, fillColor: "#b42318", fillOpacity: 1 }).bindTooltip(words.pin).addTo(map);
  showEvidence(map, data, words);
  if (data.uncertainty_m > 250 && !(data.evidence && data.evidence.length)) map.fitBounds(L.latLng(at).toBounds(data.uncertainty_m * 2.4));
  return { map, outlines, pin };
}

function letMove(parts, data, words) {
  const button = document.getElementById("move-pin");
  if (!button) return;
  let handle = null;
  button.addEventListener("click", () => {
    if (handle) return;
    button.disabled = true;
    const face = document.createElement("span");
    face.className = "pin-face";
    handle = L.marker([data.lat, data.lon], { draggable: true, autoPan: true, title: words.drag, alt: words.drag, icon: L.divIcon({ className: "pin-handle", html: face, iconSize: [30, 30], iconAnchor: [15, 15] }) }).addTo(parts.map);
    const ask = () => {
      const { lat, lng } = handle.getLatLng();
      htmx.ajax("GET", `${button.dataset.preview}?lon=${lng.toFixed(6)}&lat=${lat.toFixed(6)}&version=${button.dataset.version}`, { target: "#pin-preview", swap: "innerHTML" });
    };
    handle.on("dragend", ask);
    parts.map.on("click", (event) => { handle.setLatLng(event.latlng); ask(); });
  });
}

function letPick(parts) {
  for (const button of document.querySelectorAll("[data-pick-on-map]")) {
    button.addEventListener("click", () => {
      box.scrollIntoView({ block: "center" });
      box.classList.add("is-picking");
      parts.map.once("click", (event) => {
        box.classList.remove("is-picking");
        document.getElementById(`${button.dataset.pickOnMap}-lon`).value = event.latlng.lng.toFixed(6);
        document.getElementById(`${button.dataset.pickOnMap}-lat`).value = event.latlng.lat.toFixed(6);
        button.closest("form").scrollIntoView({ block: "center" });
      });
    });
  }
}

if (box && holder) {
  const data = JSON.parse(holder.textContent);
  const words = JSON.parse(box.dataset.words);
  const parts = startMap(data, words);
  letMove(parts, data, words);
  letPick(parts);
}
