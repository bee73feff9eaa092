// The form of a new appeal: suggestions fill fields, the map gives a point, and the preview follows what is typed.
const form = document.getElementById("new-appeal");
const box = document.getElementById("order-map");
const words = JSON.parse(box.dataset.words);
const lon = document.getElementById("f-lon");
const lat = document.getElementById("f-lat");
const drop = document.getElementById("drop-pin");
const map = L.map(box, { attributionControl: false, preferCanvas: true });
L.control.scale({ imperial: false }).addTo(map);
map.setView([0, 0], 13);
const drawn = L.layerGroup().addTo(map);

function style(feature) {
  return feature.properties.own ? { color: "#0b5f84", weight: 2.5, fillOpacity: 0.08 } : { color: "#5b6b7a", weight: 1.2, fillOpacity: 0 };
}

function draw(data, isPlace) {
  drawn.clearLayers();
  L.geoJSON(data.streets, { style, interactive: false }).addTo(drawn);
  const at = [data.lat, data.lon];
  if (!isPlace) { map.setView(at, 13); return; }
  if (data.uncertainty_m > 0) L.circle(at, { radius: data.uncertainty_m, color: "#b45309", weight: 1.5, dashArray: "5 4", fillOpacity: 0.08, interactive: false }).addTo(drawn);
  L.circleMarker(at, { radius: 7, color: "#fff", weight: 2, fillColor: "#b42318", fillOpacity: 1 }).bindTooltip(words.pin).addTo(drawn);
  if (data.uncertainty_m > 250) map.fitBounds(L.latLng(at).toBounds(data.uncertainty_m * 2.4));
  else if (!map.getBounds().contains(at) || map.getZoom() < 15) map.setView(at, 16);
}
draw(JSON.parse(document.getElementById("start-map").textContent), false);

let asked = 0;
async function preview() {
  const mine = ++asked;
  const answer = await fetch(form.dataset.preview, { method: "POST", body: new FormData(form), headers: { "HX-Request": "true" } });
  if (mine !== asked || !answer.ok) return;
  const part = document.getElementById("preview");
  part.innerHTML = await answer.text();
  const data = part.querySelector("#preview-map");
  if (data) draw(JSON.parse(data.textContent), true);
}
let timer = 0;
function later(ms = 350) { clearTimeout(timer); timer = setTimeout(preview, ms); }

function setPoint(x, y) {
  lon.value = x === null ? "" : x.toFixed(6);
  lat.value = y === null ? "" : y.toFixed(6);
  drop.hidden = x === null;
  later(0);
}
map.on("click", (event) => setPoint(event.latlng.lng, event.latlng.lat));
drop.addEventListener("click", () => setPoint(null, null));

let textTimer = 0;
form.addEventListener("input", (event) => {
  if (event.target.id === "f-text" && !document.getElementById("item-code").value) {
    clearTimeout(textTimer);
    textTimer = setTimeout(() => htmx.trigger("#items", "suggest"), 500);
  }
  if (event.target.id === "item-words") document.getElementById("item-code").value = "";
  later(600);
});
form.addEventListener("change", () => later());
form.addEventListener("click", (event) => {
  const item = event.target.closest("[data-item]");
  if (item) {
    document.getElementById("item-code").value = item.dataset.item;
    document.getElementById("item-words").value = item.dataset.name;
    document.getElementById("items").replaceChildren();
    later(0);
  }
  const place = event.target.closest("[data-place]");
  if (place) {
    document.getElementById("f-address").value = place.dataset.place;
    document.getElementById("places").replaceChildren();
    setPoint(null, null);
  }
});
form.addEventListener("keydown", (event) => {
  // Enter in a suggestion field must not send the form; arrows walk the choices.
  if (event.key === "Enter" && event.target.matches("#item-words, #f-address")) {
    event.preventDefault();
    event.target.parentElement.querySelector(".choices button")?.click();
  }
  if (event.key === "ArrowDown" && event.target.matches("#item-words, #f-address")) {
    event.preventDefault();
    event.target.parentElement.querySelector(".choices button")?.focus();
  }
});
if (lon.value) setPoint(Number(lon.value), Number(lat.value));
